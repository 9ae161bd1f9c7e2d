import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Family, formatIp, type Ip } from "./ip.ts";
import { ipMap } from "./ip-map.ts";

/** Few values in either half, so that halves meet. */
const ip: fc.Arbitrary<Ip> = fc
  .tuple(fc.constantFrom<Family>(4, 6), fc.nat(3), fc.nat(3))
  .map(([family, high, low]) => ({
    family,
    value: family === 4 ? BigInt(high * 4 + low) : (BigInt(high) << 64n) + BigInt(low),
  }));
const step = fc.record({ set: fc.boolean(), ip, value: fc.nat(9) });

test("law: an address finds what was set last, and nothing after a delete", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const map = ipMap<number>();
      const model = new Map<string, number>();
      for (const { set, ip: each, value } of steps) {
        const key = formatIp(each);
        if (set) map.set(each, value);
        else map.delete(each);
        if (set) model.set(key, value);
        else model.delete(key);
        for (const { ip: probe } of steps) assert.equal(map.get(probe), model.get(formatIp(probe)));
      }
    }),
  );
});
