#!/usr/bin/env bash
# Builds the project's image without a container daemon and prints the path of its tar. The base image, which no registry gives here, is
# Debian's minimal system under the name that the Dockerfile has. What was built before is found in the cache.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:?NAME:TAG}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/romana-e2e
base=$(sed -n 's/^FROM //p' deploy/image/Dockerfile)
key=$({ echo "$name"; find dist build/native deploy/image deploy/cni -type f ! -name .tsbuildinfo -print0 | sort -z | xargs -0 cat; cat package-lock.json; } | sha256sum | cut -c1-16)
image=$cache/image-$key.tar
if [ ! -f "$image" ]; then
  storage=(--storage-driver vfs --root "$cache/buildah" --runroot "$cache/buildah-run")
  mkdir -p "$cache"
  if [ ! -f "$cache/debian.tar" ]; then
    exclude=(--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*')
    mmdebstrap --quiet --variant=minbase "${exclude[@]}" bookworm "$cache/debian.tar.new" >&2
    mv "$cache/debian.tar.new" "$cache/debian.tar"
  fi
  buildah "${storage[@]}" inspect --type image "$base" >/dev/null 2>&1 || {
    container=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add --quiet "$container" "$cache/debian.tar" / >&2
    buildah "${storage[@]}" commit --quiet --rm "$container" "$base" >&2
  }
  BUILDER="buildah ${storage[*]} bud --isolation chroot --pull-never --quiet" bash deploy/image/build.sh "$name" >&2
  rm -f "$cache"/image-*.tar
  buildah "${storage[@]}" push --quiet "$name" "docker-archive:$image.new:$name" >&2
  buildah "${storage[@]}" rmi "$name" >&2
  mv "$image.new" "$image"
fi
echo "$image"
