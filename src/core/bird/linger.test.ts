import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr, parseCidr } from "../net/cidr.ts";
import { linger, nothingLingers } from "./linger.ts";

const cidrs = (...texts: string[]) => texts.map((text) => parseCidr(text));
const at = (now: number) => ({ now, most: 1000 });
const names = (...args: Parameters<typeof linger>): string[] =>
  [...linger(...args).values()].map(({ prefix }) => formatCidr(prefix));

const rows: readonly [what: string, announced: string[], wanted: string[], lingers: string[]][] = [
  ["what stays does not linger", ["10.0.0.0/29"], ["10.0.0.0/29", "10.0.0.16/29"], []],
  ["a prefix that joins another lingers", ["10.0.0.0/29"], ["10.0.0.0/28"], ["10.0.0.0/29"]],
  ["a prefix of which a part is left lingers", ["10.0.0.0/28"], ["10.0.0.8/29"], ["10.0.0.0/28"]],
  ["a prefix that is gone goes", ["10.0.0.0/29", "fd00::/125"], ["10.0.0.16/29"], []],
];
for (const [what, announced, wanted, lingers] of rows)
  test(what, () => {
    assert.deepEqual(names(cidrs(...announced), nothingLingers, cidrs(...wanted), at(0)), lingers);
  });

test("it goes when its time is over, whatever comes meanwhile", () => {
  const first = linger(cidrs("10.0.0.0/29"), nothingLingers, cidrs("10.0.0.0/28"), at(0));
  const announced = cidrs("10.0.0.0/28", "10.0.0.0/29");
  const second = linger(announced, first, cidrs("10.0.0.0/27"), at(600));
  assert.deepEqual([...second.keys()], ["10.0.0.0/28", "10.0.0.0/29"]);
  const all = [...announced, ...cidrs("10.0.0.0/27")];
  assert.deepEqual(names(all, second, cidrs("10.0.0.0/27"), at(1000)), ["10.0.0.0/28"]);
  assert.deepEqual(names(all, second, cidrs("10.0.0.0/27"), at(1600)), []);
});
