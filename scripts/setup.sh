#!/usr/bin/env bash
# Makes a fresh Debian 12 machine ready for `npm run lab` and `npm test`: Debian packages, npm packages, the native
# helper, the built program. Safe to run again: what is up to date is left alone. Without root it does what it can.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  gcc libc6-dev musl-tools make curl iproute2 nftables procps util-linux mount
  iputils-ping iputils-arping traceroute iperf3
  containerd runc containernetworking-plugins bird2 busybox-static
  etcd-server openssl e2fsprogs
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ]; then
    echo "setup: installing Debian packages: ${missing[*]}"
    log=$(mktemp)
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
      { tail -30 "$log"; echo "setup: apt-get failed, see above" >&2; exit 1; }
    rm -f "$log"
  else
    echo "setup: not root, so these Debian packages stay missing: ${missing[*]}" >&2
    echo "setup: unit tests run without them (npm run test:unit); the lab and the other tests need root" >&2
  fi
fi

mkdir -p build
stamp=build/.npm-ci
if [ ! -x node_modules/.bin/tsc ] || ! cmp -s package-lock.json "$stamp"; then
  echo "setup: installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi
runtime=(node_modules/node-linux-*/bin/node)
if [ ! -x "${runtime[0]}" ]; then
  echo "setup: npm installed no Node 24: there are packages of it for Linux on amd64 and arm64" >&2
  exit 1
fi
# Both processors' packages claim this name, and npm 9 leaves it to the one that it did not install.
ln -sf "../${runtime[0]#node_modules/}" node_modules/.bin/node

if command -v cc >/dev/null; then
  bash native/build.sh
else
  echo "setup: no C compiler, so the native helper is not built" >&2
fi
node_modules/.bin/node node_modules/typescript/bin/tsc -p tsconfig.build.json
