#!/usr/bin/env bash
# Runs the tests with node's runner and one summary. `unit`: what needs neither root nor a server.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH" # node 24, also without npm around it
export NODE_COMPILE_CACHE="$PWD/build/compile-cache" # each test file is a process: what one compiled the others take

mapfile -t unit < <(find src test bench lab native -name '*.test.ts' ! -name '*.root.test.ts' ! -name '*.server.test.ts' ! -path '*/fixtures/*' | sort)
mapfile -t served < <(find src test -name '*.server.test.ts' | sort)
mapfile -t rooted < <(find src test native lab -name '*.root.test.ts' -o -name '*.lab.ts' | sort)

files=("${unit[@]}")
if [ "${1:-all}" != unit ]; then
  if command -v etcd >/dev/null && command -v openssl >/dev/null; then
    files+=("${served[@]}")
  else
    echo "test: no etcd or no openssl (npm run setup as root): left out ${#served[@]} files that need them" >&2
    [ -z "${CI:-}" ] || exit 1
  fi
  if [ "$(id -u)" = 0 ]; then
    files+=("${rooted[@]}")
  else
    echo "test: not root: left out ${#rooted[@]} files that need network namespaces; unit tests run" >&2
    [ -z "${CI:-}" ] || exit 1
  fi
fi
# A bound for the whole: what hangs must not take the machine with it.
exec timeout --signal=TERM --kill-after=30 3000 node --test --test-concurrency=2 --test-timeout=300000 \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=./test/support/no-skip-reporter.ts --test-reporter-destination=stdout \
  "${files[@]}"
