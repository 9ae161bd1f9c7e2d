import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Range } from "./range.ts";
import { addRange, covers, overlapping, rangeSet, removeRange } from "./range-set.ts";

const SIZE = 40;
const range = fc
  .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1))
  .map(([a, b]): Range => ({ first: BigInt(Math.min(a, b)), last: BigInt(Math.max(a, b)) }));
const step = fc.record({ add: fc.boolean(), range });

const members = ({ first, last }: Range): number[] =>
  Array.from({ length: Number(last - first) + 1 }, (_, i) => Number(first) + i);

test("ranges are those of a plain set of numbers, merged", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), range, (steps, probe) => {
      const set = rangeSet();
      const model = new Set<number>();
      for (const { add, range: each } of steps) {
        if (add) addRange(set, each);
        else removeRange(set, each);
        for (const n of members(each))
          if (add) model.add(n);
          else model.delete(n);
      }
      assert.deepEqual(
        set.ranges.flatMap(members),
        [...model].sort((a, b) => a - b),
      );
      for (const [i, { first }] of set.ranges.slice(1).entries())
        assert.ok(first > (set.ranges[i]?.last ?? 0n) + 1n, "neighbours are merged");
      assert.equal(
        covers(set, probe),
        members(probe).every((n) => model.has(n)),
      );
      assert.deepEqual(rangeSet(set.ranges.flatMap((each) => [each, each]).reverse()), set);
      const lowest = set.ranges.find(({ first, last }) => last >= probe.first && first <= probe.last);
      assert.deepEqual(overlapping(set, probe), lowest);
    }),
    { numRuns: 500, seed: 3 },
  );
});
