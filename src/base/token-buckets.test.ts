import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BucketOptions, createTokenBuckets } from "./token-buckets.ts";

const options: fc.Arbitrary<BucketOptions> = fc.record({
  perSecond: fc.integer({ min: 1, max: 1000 }),
  burst: fc.integer({ min: 1, max: 50 }),
  most: fc.integer({ min: 1, max: 10 }),
});
/** Milliseconds between requests. */
const gaps = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 200 });

/** When each of the requests of one client came, and how long it was told to wait. */
function run(given: BucketOptions, waits: readonly number[]): { at: number; wait: number }[] {
  const buckets = createTokenBuckets(given);
  let at = 0;
  return waits.map((gap) => {
    at += gap;
    return { at, wait: buckets.take("a", at) };
  });
}

test("in no stretch of time are there more than a bucket and what comes back meanwhile", () => {
  fc.assert(
    fc.property(options, gaps, (given, waits) => {
      const taken = run(given, waits).filter(({ wait }) => wait === 0);
      for (const [i, { at: from }] of taken.entries())
        for (const [j, { at: to }] of taken.entries())
          if (j >= i)
            assert.ok(
              j - i + 1 <= given.burst + ((to - from) * given.perSecond) / 1000 + 1e-6,
              `${i} to ${j}`,
            );
    }),
  );
});

test("it is refused exactly when a bucket that counts tokens is empty", () => {
  fc.assert(
    fc.property(options, gaps, (given, waits) => {
      let [tokens, last] = [given.burst, 0];
      for (const { at, wait } of run(given, waits)) {
        tokens = Math.min(given.burst, tokens + ((at - last) * given.perSecond) / 1000);
        last = at;
        if (Math.abs(tokens - 1) > 1e-6) assert.equal(wait === 0, tokens > 1);
        if (wait === 0) tokens -= 1;
      }
    }),
  );
});

test("who waits as long as he is told gets his token, and not a tenth of a token's time before", () => {
  fc.assert(
    fc.property(options, (given) => {
      const each = 1000 / given.perSecond;
      const buckets = createTokenBuckets(given);
      for (let n = 0; n < given.burst; n++) assert.equal(buckets.take("a", 0), 0);
      const wait = buckets.take("a", 0);
      assert.ok(wait > 0 && wait <= each + 1e-6);
      assert.notEqual(buckets.take("a", wait - each / 10), 0);
      assert.equal(buckets.take("a", wait), 0);
    }),
  );
});

test("clients do not share a bucket, and no more are remembered than told", () => {
  const keys = fc.array(fc.nat(30).map(String), { maxLength: 100 });
  fc.assert(
    fc.property(options, keys, (given, names) => {
      const buckets = createTokenBuckets({ ...given, most: 10 });
      const seen = new Set<string>();
      for (const name of names) {
        if (!seen.has(name)) assert.equal(buckets.take(name, 0), 0, "its first");
        seen.add(name);
        assert.ok(buckets.size <= 10);
      }
    }),
  );
});
