import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr, parseCidr } from "./cidr.ts";
import { parseIp } from "./ip.ts";
import { rangeOf, rangeToCidrs } from "./range.ts";

/** Each row: first and last address, the fewest prefixes between. */
const rows: readonly (readonly [string, string, string[]])[] = [
  ["10.0.0.0", "10.255.255.255", ["10.0.0.0/8"]],
  ["10.0.0.1", "10.0.0.1", ["10.0.0.1/32"]],
  ["10.0.0.1", "10.0.0.6", ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"]],
  ["0.0.0.0", "255.255.255.255", ["0.0.0.0/0"]],
  ["255.255.255.254", "255.255.255.255", ["255.255.255.254/31"]],
  ["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ["::/0"]],
  ["fd00::fff8", "fd00::1:7", ["fd00::fff8/125", "fd00::1:0/125"]],
];
for (const [first, last, expected] of rows)
  test(`from ${first} to ${last}: ${expected.length}`, () => {
    const ip = parseIp(first);
    const range = { first: ip.value, last: parseIp(last).value };
    assert.deepEqual(rangeToCidrs(ip.family, range).map(formatCidr), expected);
  });

test("the worst range needs two prefixes less than twice the bits", () => {
  assert.equal(rangeToCidrs(4, { first: 1n, last: 2n ** 32n - 2n }).length, 62);
  assert.equal(rangeToCidrs(6, { first: 1n, last: 2n ** 128n - 2n }).length, 254);
});

test("a prefix is the range from its first to its last address", () => {
  assert.deepEqual(rangeOf(parseCidr("10.0.0.8/29")), { first: 0x0a000008n, last: 0x0a00000fn });
});
