// The native helper stays what can be read in a sitting.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const BUDGET = 650;

test(`the C code has at most ${BUDGET} lines, blank and comment lines apart`, () => {
  const files = readdirSync(import.meta.dirname).filter((name) => /\.[ch]$/.test(name));
  const lines = files.flatMap((name) => readFileSync(join(import.meta.dirname, name), "utf8").split("\n"));
  const code = lines.filter((line) => !/^\s*(\/\/.*)?$/.test(line));
  assert.ok(code.length > 300 && code.length <= BUDGET, `${code.length} lines`);
});
