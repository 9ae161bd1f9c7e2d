// Whether a figure meets its goal, and the interval of a ratio.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "../src/base/clock.ts";
import { type Figure, isMet, pairedRatio, quantile, ratioOf } from "./figure.ts";

const figure = (rest: Partial<Figure>): Figure => ({ name: "f", value: 10, unit: "ms", ...rest });
const peer = { name: "peer", value: 20 };

const rows: readonly (readonly [sentence: string, given: Figure, met: boolean])[] = [
  ["without a goal it is a report", figure({}), true],
  ["a value below its limit", figure({ goal: { kind: "at-most", limit: 10, of: "value" } }), true],
  ["a value above its limit", figure({ goal: { kind: "at-most", limit: 9, of: "value" } }), false],
  ["half of the peer", figure({ peer, goal: { kind: "at-most", limit: 0.5, of: "ratio" } }), true],
  ["less than asked", figure({ peer, goal: { kind: "at-least", limit: 0.6, of: "ratio" } }), false],
  ["a ratio without a peer", figure({ goal: { kind: "at-least", limit: 0, of: "ratio" } }), false],
  ["not a number", figure({ value: NaN, goal: { kind: "at-most", limit: 1, of: "value" } }), false],
  [
    "an interval that includes the limit",
    figure({
      interval: { mean: 1.05, low: 1.01, high: 1.09 },
      goal: { kind: "at-most", limit: 1.03, of: "ratio" },
    }),
    true,
  ],
  [
    "an interval that beats the limit",
    figure({
      interval: { mean: 1.2, low: 1.1, high: 1.3 },
      goal: { kind: "at-least", limit: 0.97, of: "ratio" },
    }),
    true,
  ],
  [
    "an interval that misses the limit",
    figure({
      interval: { mean: 0.9, low: 0.85, high: 0.95 },
      goal: { kind: "at-least", limit: 0.97, of: "ratio" },
    }),
    false,
  ],
];
for (const [sentence, given, met] of rows)
  test(`${sentence}: ${met ? "met" : "missed"}`, () => assert.equal(isMet(given), met));

test("a ratio is to the peer, or the mean of pairs", () => {
  assert.equal(ratioOf(figure({ peer })), 0.5);
  assert.equal(ratioOf(figure({ peer, interval: { mean: 0.7, low: 0, high: 1 } })), 0.7);
  assert.equal(ratioOf(figure({})), undefined);
});

test("the interval of pairs holds the true ratio in about 95 of 100 runs", () => {
  const rng = seededRng(3);
  const noise = (): number => 1 + 0.2 * (rng() + rng() + rng() - 1.5);
  const runs = Array.from({ length: 1000 }, () =>
    pairedRatio(Array.from({ length: 20 }, () => ({ ours: 3 * noise(), peer: 2 * noise() }))),
  );
  const held = runs.filter(({ low, high }) => low <= 1.5 && 1.5 <= high).length;
  assert.ok(held > 930 && held < 970, String(held));
});

test("a quantile is one of the values", () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([3, 1, 2], 1), 3);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});
