#!/usr/bin/env bash
# Builds the image that upstream's tests run in their pods and prints the path of its tar: agnhost, built from its Go module, on Debian's
# minimal system with the programs that the tests call. What was built before is found in the cache. `agnhost-image.sh NAME AGNHOST`.
set -euo pipefail
name=${1:?NAME} agnhost=${2:?path of agnhost}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/romana-e2e
packages=curl,bind9-dnsutils,iproute2,netcat-openbsd
key=$({ echo "$name $packages"; cat "$agnhost"; } | sha256sum | cut -c1-16)
image=$cache/agnhost-$key.tar
if [ ! -f "$image" ]; then
  work=$(mktemp -d "$cache/agnhost.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  exclude=(--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*')
  mmdebstrap --quiet --variant=minbase --include="$packages" "${exclude[@]}" bookworm "$work/base.tar" >&2
  mkdir "$work/root"
  cp "$agnhost" "$work/root/agnhost"
  tar -C "$work/root" -cf "$work/agnhost.tar" .
  digest() { sha256sum <"$1" | cut -d' ' -f1; }
  cat >"$work/config.json" <<END
{
  "architecture": "$(go env GOARCH)", "os": "linux",
  "config": { "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Entrypoint": ["/agnhost"], "Cmd": ["pause"] },
  "rootfs": { "type": "layers", "diff_ids": ["sha256:$(digest "$work/base.tar")", "sha256:$(digest "$work/agnhost.tar")"] }
}
END
  echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$name\"], \"Layers\": [\"base.tar\", \"agnhost.tar\"]}]" >"$work/manifest.json"
  tar -C "$work" -cf "$image.new" manifest.json config.json base.tar agnhost.tar
  rm -f "$cache"/agnhost-*.tar
  mv "$image.new" "$image"
fi
echo "$image"
