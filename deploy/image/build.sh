#!/usr/bin/env bash
# Builds the image: `deploy/image/build.sh NAME:TAG`, after `npm run setup`. BUILDER is the command that takes `-t NAME:TAG FOLDER`
# (default: docker build).
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:?NAME:TAG}
context=build/image
romana=$context/romana
mkdir -p "$romana/build" "$context/cni"
if ! cmp -s package-lock.json build/.image-npm-ci; then
  cp package.json package-lock.json "$romana/"
  npm ci --prefix "$romana" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
  # Of Node's packages only the program itself runs.
  rm -rf "$romana"/node_modules/{node-linux-*,.bin}
  cp package-lock.json build/.image-npm-ci
fi
cp "$(readlink -f node_modules/.bin/node)" "$context/node"
rm -rf "$romana/dist" "$romana/build/native"
cp -r dist "$romana/dist"
cp -r build/native "$romana/build/native"
cp build/native/romana-native "$context/cni/romana"
cp deploy/cni/10-romana.conflist "$context/cni/"
read -ra builder <<<"${BUILDER:-docker build}"
"${builder[@]}" -f deploy/image/Dockerfile -t "$name" "$context"
