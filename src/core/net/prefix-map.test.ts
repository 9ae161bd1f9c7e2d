import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Cidr, cidrOf, compareCidr, containsIp, formatCidr, parseCidr } from "./cidr.ts";
import { type Ip, parseIp } from "./ip.ts";
import { prefixMap } from "./prefix-map.ts";

const entry = (text: string) => ({ prefix: parseCidr(text), value: text });

test("the longest prefix that holds an address wins", () => {
  const map = prefixMap(["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "fd00::/8"].map(entry));
  const at = (text: string) => map.lookup(parseIp(text))?.value;
  assert.deepEqual(["10.1.2.3", "10.1.2.4", "10.2.0.0", "11.0.0.0", "fd00::1", "fe80::1"].map(at), [
    "10.1.2.3/32",
    "10.1.0.0/16",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "fd00::/8",
    undefined,
  ]);
});

/** Few bits, at the top and at the bottom of an address, so that prefixes meet. */
const ip: fc.Arbitrary<Ip> = fc
  .tuple(fc.nat(15), fc.nat(15), fc.boolean())
  .map(([high, low, isSix]) =>
    isSix
      ? { family: 6, value: (BigInt(high) << 124n) + BigInt(low) }
      : { family: 4, value: (BigInt(high) << 28n) + BigInt(low) },
  );
const cidr: fc.Arbitrary<Cidr> = ip.chain((each) =>
  fc
    .oneof(
      fc.nat(4),
      fc.nat(4).map((n) => 28 + n),
      fc.constant(each.family === 4 ? 20 : 124),
    )
    .map((length) => cidrOf(each, length)),
);
const step = fc.record({ insert: fc.boolean(), cidr, value: fc.nat(9) });

test("law: whatever is inserted and deleted, the map is a plain list searched whole", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(ip, { maxLength: 10 }), (steps, probes) => {
      const map = prefixMap<number>();
      const model = new Map<string, { prefix: Cidr; value: number }>();
      for (const { insert, cidr: prefix, value } of steps) {
        if (insert) map.insert(prefix, value);
        else assert.equal(map.delete(prefix), model.has(formatCidr(prefix)));
        if (insert) model.set(formatCidr(prefix), { prefix, value });
        else model.delete(formatCidr(prefix));
      }
      const sorted = [...model.values()].sort((a, b) => compareCidr(a.prefix, b.prefix));
      assert.deepEqual([...map.entries()], sorted);
      assert.equal(map.size, sorted.length);
      for (const { cidr: prefix } of steps) assert.deepEqual(map.get(prefix), model.get(formatCidr(prefix)));
      for (const probe of probes) {
        const holding = sorted.filter(({ prefix }) => containsIp(prefix, probe));
        const longest = Math.max(...holding.map(({ prefix }) => prefix.length));
        assert.deepEqual(
          map.lookup(probe),
          holding.find(({ prefix }) => prefix.length === longest),
        );
      }
    }),
    { numRuns: 400 },
  );
});

test("a delete leaves no node behind: a million lookups later the map is as small as before", () => {
  const map = prefixMap<number>();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) map.insert(cidrOf({ family: 4, value: BigInt(i) << 20n }, 24), i);
    for (let i = 0; i < 200; i++) assert.ok(map.delete(cidrOf({ family: 4, value: BigInt(i) << 20n }, 24)));
    assert.deepEqual([...map.entries()], []);
  }
});
