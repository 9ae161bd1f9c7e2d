#!/usr/bin/env bash
# Builds the Kubernetes programs that go.mod names, into a folder of the cache that go.mod and go.sum choose, and prints that folder.
# A second run finds them there. `KUBE_BIN` names a folder of official ones instead. Words after the script's name: what to build
# (default: what a cluster needs); `e2e.test` is upstream's own suite.
set -euo pipefail
cd "$(dirname "$0")"
if [ -n "${KUBE_BIN:-}" ]; then
  echo "$KUBE_BIN"
  exit
fi

version=v$(sed -n 's/.*k8s.io\/kubernetes v\([0-9.]*\).*/\1/p' go.mod | head -1)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/romana-e2e/$version-$(cat go.mod go.sum | sha256sum | cut -c1-12)
mkdir -p "$folder"
minor=${version#v1.} minor=${minor%.*}
stamp=k8s.io/component-base/version
flags=(-trimpath -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=$minor -X $stamp.gitTreeState=clean")
wanted=("$@")
[ $# -gt 0 ] || wanted=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

for program in "${wanted[@]}"; do
  [ ! -x "$folder/$program" ] || continue
  echo "building $program $version" >&2
  case $program in
    e2e.test) build=(go test -c) package=k8s.io/kubernetes/test/e2e ;;
    agnhost) build=(go build) package=k8s.io/kubernetes/test/images/agnhost ;;
    *) build=(go build) package=k8s.io/kubernetes/cmd/$program ;;
  esac
  CGO_ENABLED=0 nice -n "${BUILD_NICE:-10}" "${build[@]}" "${flags[@]}" -o "$folder/$program.new" "$package" >&2
  mv "$folder/$program.new" "$folder/$program"
done
echo "$folder"
