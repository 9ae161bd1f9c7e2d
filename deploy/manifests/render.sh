#!/usr/bin/env bash
# Renders the chart into the manifests of this folder (HELM: the helm to use); with --check it tells whether they are what it renders.
set -euo pipefail
cd "$(dirname "$0")"
helm=${HELM:-helm}
namespace=kube-system
render() { # KIND
  echo "# Rendered by deploy/manifests/render.sh from deploy/helm/romana: change that. How to install: docs/guide/kubernetes.md"
  "$helm" template romana ../helm/romana --namespace "$namespace" --kube-version 1.36.0 --values "$1.values.yaml"
}
while read -r kind file; do
  if [ "${1:-}" = --check ]; then
    render "$kind" | diff -u "$file" - || { echo "$file is not what the chart renders: run $0" >&2; exit 1; }
  else
    render "$kind" >"$file"
  fi
done <<END
embedded romana-embedded.yaml
etcd romana-etcd.yaml
aws romana-aws.yaml
uninstall uninstall-romana.yaml
END
