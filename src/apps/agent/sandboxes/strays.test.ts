// Whose sandbox is gone: what one look and those before it say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoint } from "../../../../test/support/fake-endpoints.ts";
import { Seconds } from "../../../base/clock.ts";
import type { AgentEndpoint } from "../endpoints.ts";
import { lookForStrays, type Missed } from "./strays.ts";

const GRACE = Seconds(300);
const of = (index: number, changes: Partial<AgentEndpoint> = {}): AgentEndpoint => ({
  ...endpoint(index, ["10.0.0.1"]),
  ...{ containerId: `c${index}`, pod: `shop/web-${index}`, ...changes },
});
const { pod: _, ...byHand } = of(1);

/** The sandboxes that the runtime has in each of its looks, and when that is in seconds. */
type Looks = readonly (readonly [at: number, sandboxes: string[], endpoint: AgentEndpoint])[];
const rows: readonly (readonly [what: string, looks: Looks, strays: number])[] = [
  [
    "a sandbox that is there is no stray, however old",
    [
      [0, ["c1"], of(1)],
      [900, ["c1"], of(1)],
    ],
    0,
  ],
  ["one that is missing is no stray at once: it may be in the making", [[0, ["c2"], of(1)]], 0],
  [
    "one that is missing a little less than the grace is none",
    [
      [0, ["c2"], of(1)],
      [299, ["c2"], of(1)],
    ],
    0,
  ],
  [
    "one that is missing for the grace is one",
    [
      [0, ["c2"], of(1)],
      [60, ["c2"], of(1)],
      [300, ["c2"], of(1)],
    ],
    1,
  ],
  [
    "one that was seen in between is none",
    [
      [0, ["c2"], of(1)],
      [200, ["c1"], of(1)],
      [400, ["c2"], of(1)],
    ],
    0,
  ],
  [
    "one that was attached again meanwhile is none",
    [
      [0, ["c2"], of(1)],
      [300, ["c2"], of(1, { sequence: 2 })],
    ],
    0,
  ],
  [
    "a runtime that has nothing says nothing",
    [
      [0, [], of(1)],
      [300, [], of(1)],
    ],
    0,
  ],
  [
    "nor does it after looks in which it had something",
    [
      [0, ["c2"], of(1)],
      [200, [], of(1)],
      [400, ["c2"], of(1)],
    ],
    0,
  ],
  [
    "an attachment that no pod is told of is not the runtime's",
    [
      [0, ["c2"], byHand],
      [300, ["c2"], byHand],
    ],
    0,
  ],
];
for (const [what, looks, count] of rows)
  test(what, () => {
    let missed: Missed = new Map();
    let strays: readonly AgentEndpoint[] = [];
    for (const [at, sandboxes, each] of looks)
      ({ missed, strays } = lookForStrays(
        { endpoints: [each], sandboxes: new Set(sandboxes), now: Seconds(at), grace: GRACE },
        missed,
      ));
    assert.equal(strays.length, count);
  });
