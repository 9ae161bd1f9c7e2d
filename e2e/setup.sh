#!/usr/bin/env bash
# What the end-to-end tests need beyond `npm run setup`: Debian packages, and Go to build Kubernetes and helm with.
set -euo pipefail
packages=(buildah mmdebstrap)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "e2e: installing Debian packages: ${missing[*]}"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >/dev/null
fi
if ! command -v go >/dev/null && [ -z "${KUBE_BIN:-}" ]; then
  echo "e2e: needs Go 1.26 or newer, or KUBE_BIN and HELM_BIN with the programs" >&2
  exit 1
fi
