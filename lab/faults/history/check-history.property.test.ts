// The checker against a sequential model: what the model does is never called wrong, and each of its flaws is found.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng } from "../../../src/base/clock.ts";
import { checkHistory } from "./check-history.ts";
import { FLAWS } from "./naive-ipam.ts";
import { simulate } from "./simulate.ts";

test("no history of a correct IPAM is called wrong, whatever overlaps and whatever answers are lost", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 10, max: 250 }),
      fc.constantFrom(0, 0.05, 0.3),
      (seed, clients, operations, loss) => {
        const history = simulate({ clients, operations, loss }, seededRng(seed));
        assert.deepEqual(checkHistory(history), []);
      },
    ),
    { numRuns: 300 },
  );
});

for (const flaw of FLAWS)
  for (const loss of [0, 0.05])
    test(`an IPAM that ${flaw} is found, with ${loss * 100} % of the answers lost`, () => {
      const found = Array.from({ length: 20 }, (_, seed) =>
        checkHistory(simulate({ clients: 4, operations: 400, loss, flaw }, seededRng(seed))),
      );
      assert.ok(
        found.some((violations) => violations.length > 0),
        "no violation in 20 histories",
      );
    });
