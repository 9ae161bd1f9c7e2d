import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFault, InputError, show } from "./errors.ts";

/** Each row: a value, what a terminal gets. */
const rows: readonly (readonly [unknown, string])[] = [
  ["plain ä 文", '"plain ä 文"'],
  ["a\nb\0\u001b[2J", '"a\\nb\\u0000\\u001b[2J"'],
  ["\u007f\u009b2J", '"\\u{7f}\\u{9b}2J"'],
  ["\u202edcba\u2028", '"\\u{202e}dcba\\u{2028}"'],
  ["\ud800", '"\\ud800"'],
  ["x".repeat(100), `"${"x".repeat(78)}…`],
  [undefined, "undefined"],
  [2n ** 70n, '"1180591620717411303424"'],
];
for (const [value, expected] of rows)
  test(`shows ${expected.slice(0, 30)}`, () => {
    assert.equal(show(value), expected);
  });

test("a value that is no JSON is shown all the same", () => {
  const loop: unknown[] = [];
  loop.push(loop);
  assert.equal(typeof show(loop), "string");
  let deep: unknown = 1;
  for (let i = 0; i < 20_000; i++) deep = { deep };
  assert.equal(show(deep), "[object Object]");
});

test("a fault is one line: place, value, what was expected", () => {
  const fault = { code: "NAME", field: "networks[0].name", value: "a\nb", expected: "a name" };
  assert.equal(describeFault(fault), 'networks[0].name: "a\\nb": expected a name');
  const error = new InputError([fault, { ...fault, code: "OTHER" }]);
  assert.deepEqual([error.code, error.status, error.message.split("; ").length], ["NAME", 400, 2]);
});
