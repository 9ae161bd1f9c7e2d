import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Cidr, cidrOf, formatCidr, parseCidr, subnet } from "./cidr.ts";
import { type Ip, parseIp } from "./ip.ts";
import {
  complementWithin,
  intersect,
  minimalUnion,
  type PrefixSet,
  prefixSet,
  setHasCidr,
  setHasIp,
  subtract,
  toCidrs,
  union,
} from "./prefix-set.ts";

const setOf = (...texts: string[]): PrefixSet => prefixSet(texts.map((text) => parseCidr(text)));
const show = (set: PrefixSet): string[] => toCidrs(set).map(formatCidr);

/** Each row: what is shown, a set, the prefixes that it is. */
const rows: readonly (readonly [string, PrefixSet, string[]])[] = [
  ["twins join", setOf("10.0.0.0/25", "10.0.0.128/25"), ["10.0.0.0/24"]],
  [
    "neighbours that are no twins stay two",
    setOf("10.0.1.0/24", "10.0.2.0/24"),
    ["10.0.1.0/24", "10.0.2.0/24"],
  ],
  ["what lies inside is gone", setOf("10.0.0.0/8", "10.1.2.3/32", "10.0.0.0/9"), ["10.0.0.0/8"]],
  ["nothing joins across families", setOf("::/1", "0.0.0.0/1"), ["0.0.0.0/1", "::/1"]],
  ["all there is", setOf("::/1", "8000::/1", "0.0.0.0/0"), ["0.0.0.0/0", "::/0"]],
  [
    "a hole is cut",
    subtract(setOf("10.0.0.0/29"), setOf("10.0.0.3/32")),
    ["10.0.0.0/31", "10.0.0.2/32", "10.0.0.4/30"],
  ],
  [
    "the common part",
    intersect(setOf("10.0.0.0/8", "fd00::/8"), setOf("10.1.0.0/16", "::/0")),
    ["10.1.0.0/16", "fd00::/8"],
  ],
  [
    "the rest of a parent",
    complementWithin(parseCidr("10.0.0.0/22"), setOf("10.0.1.0/24", "10.9.0.0/16")),
    ["10.0.0.0/24", "10.0.2.0/23"],
  ],
  ["the rest of everything", complementWithin(parseCidr("::/0"), setOf("8000::/1", "0.0.0.0/0")), ["::/1"]],
  ["nothing", subtract(setOf("10.0.0.0/8"), setOf("0.0.0.0/0")), []],
];
for (const [what, set, expected] of rows)
  test(`sets: ${what}`, () => {
    assert.deepEqual(show(set), expected);
  });

/** A universe of 64 addresses of each family, the last there are: where ranges end is where mistakes are. */
const universe = {
  4: parseCidr("255.255.255.192/26"),
  6: parseCidr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0/122"),
};
const all: readonly Ip[] = Object.values(universe).flatMap(({ ip: { family, value } }) =>
  Array.from({ length: 64 }, (_, i): Ip => ({ family, value: value + BigInt(i) })),
);
const keyOf = ({ family, value }: Ip): string => `${family}/${value}`;
const item: fc.Arbitrary<Ip | Cidr> = fc
  .tuple(fc.constantFrom(...all), fc.nat(6), fc.boolean())
  .map(([ip, bits, alone]) => (alone ? ip : cidrOf(ip, (ip.family === 4 ? 32 : 128) - bits)));
const items = fc.array(item, { maxLength: 8 });
const model = (list: readonly (Ip | Cidr)[]): Set<string> =>
  new Set(all.filter((ip) => list.some((each) => setHasIp(prefixSet([each]), ip))).map(keyOf));
const members = (set: PrefixSet): Set<string> => new Set(all.filter((ip) => setHasIp(set, ip)).map(keyOf));

test("law: the algebra is that of plain sets", () => {
  fc.assert(
    fc.property(items, items, (x, y) => {
      const [a, b] = [prefixSet(x), prefixSet(y)];
      const [inA, inB] = [model(x), model(y)];
      assert.deepEqual(members(a), inA);
      assert.deepEqual(members(union(a, b)), inA.union(inB));
      assert.deepEqual(members(intersect(a, b)), inA.intersection(inB));
      assert.deepEqual(members(subtract(a, b)), inA.difference(inB));
      for (const parent of Object.values(universe))
        assert.deepEqual(members(complementWithin(parent, a)), model([parent]).difference(inA));
    }),
    { numRuns: 300 },
  );
});

test("law: sets with the same addresses are equal, whatever made them", () => {
  fc.assert(
    fc.property(items, items, (x, y) => {
      const [a, b] = [prefixSet(x), prefixSet(y)];
      assert.deepEqual(prefixSet([...x, ...y].reverse()), union(a, b));
      assert.deepEqual(union(subtract(a, b), intersect(a, b)), a);
      assert.deepEqual(prefixSet(toCidrs(a)), a);
    }),
  );
});

test("law: a prefix is in a set when all its addresses are", () => {
  fc.assert(
    fc.property(items, fc.constantFrom(...all), fc.nat(6), (list, ip, bits) => {
      const cidr = cidrOf(ip, (ip.family === 4 ? 32 : 128) - bits);
      assert.equal(setHasCidr(prefixSet(list), cidr), model([cidr]).isSubsetOf(model(list)));
    }),
  );
});

/** The fewest prefixes for exactly the wanted addresses under `cidr`, from the definition: the whole, or the best of both halves. */
function fewest(cidr: Cidr, wanted: ReadonlySet<string>): number {
  const inside = all.filter((ip) => setHasIp(prefixSet([cidr]), ip));
  const hits = inside.filter((ip) => wanted.has(keyOf(ip))).length;
  if (hits === 0) return 0;
  if (hits === inside.length) return 1;
  return [0n, 1n].reduce((sum, i) => sum + fewest(subnet(cidr, cidr.length + 1, i), wanted), 0);
}

test("law: the minimal union holds exactly the addresses, in as few prefixes as there can be", () => {
  fc.assert(
    fc.property(items, (list) => {
      const found = minimalUnion(list);
      assert.deepEqual(model(found), model(list));
      assert.equal(found.length, fewest(universe[4], model(list)) + fewest(universe[6], model(list)));
    }),
    { numRuns: 60 },
  );
});

test("single addresses are members too", () => {
  const set = prefixSet([parseIp("10.0.0.1"), parseIp("::1")]);
  assert.deepEqual(show(set), ["10.0.0.1/32", "::1/128"]);
  assert.equal(setHasIp(set, parseIp("::10.0.0.1")), false);
});
