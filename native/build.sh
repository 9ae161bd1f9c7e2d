#!/usr/bin/env bash
# Builds the native helper into build/native/, if its source is newer. `--sanitize`: asan/romana-native beside it, for the tests;
# exit code 3 where the compiler has no sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=(native/romana-native.c native/pipe.c native/run.c native/cni.c)
flags=(-std=c11 -Wall -Wextra -Werror -fstack-protector-strong)
if [ "${1:-}" = --sanitize ]; then
  out=build/native/asan/romana-native
  sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=all)
  compile=(cc -O1 -g "${sanitizers[@]}" -DTIMEOUT_SECONDS=1)
  echo 'int main(void) { return 0; }' | cc "${sanitizers[@]}" -x c -o /dev/null - 2>/dev/null || exit 3
else
  out=build/native/romana-native
  compile=(cc -O2 -static -s)
  # With musl it starts in a third of the time (README.md). The kernel's headers are the machine's.
  if command -v musl-gcc >/dev/null; then
    compile=(musl-gcc -O2 -static -s -idirafter /usr/include -idirafter "/usr/include/$(cc -print-multiarch)")
  fi
fi
if [ ! -x "$out" ] || [ -n "$(find native -newer "$out" \( -name '*.[ch]' -o -name build.sh \))" ]; then
  mkdir -p "$(dirname "$out")"
  new=$(mktemp "$out.XXXXXX")
  trap 'rm -f "$new"' EXIT
  "${compile[@]}" "${flags[@]}" -o "$new" "${sources[@]}"
  chmod 755 "$new"
  mv "$new" "$out" # a running helper keeps its file; two builds at once do not mix
fi
