#!/usr/bin/env bash
# Builds the native helper into build/native/, if its source is newer. `--sanitize`: romana-native-asan beside it, for the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/native
sources=(native/romana-native.c native/pipe.c native/run.c native/cni.c)
flags=(-std=gnu11 -Wall -Wextra -Werror -fstack-protector-strong)

newest() { [ -x "$1" ] && [ -z "$(find native -name '*.[ch]' -newer "$1")" ]; }

if [ "${1:-}" = --sanitize ]; then
  mkdir -p build/native/asan
  out=build/native/asan/romana-native
  newest "$out" || cc "${flags[@]}" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o "$out" "${sources[@]}"
else
  out=build/native/romana-native
  newest "$out" || cc "${flags[@]}" -O2 -static -s -o "$out" "${sources[@]}"
fi
