// Aggregation of 1,000,000 prefixes.
import { seededRng } from "../src/base/clock.ts";
import { aggregateRoutes } from "../src/core/net/aggregate.ts";
import { type Cidr, cidrOf } from "../src/core/net/cidr.ts";
import type { Bench } from "./figure.ts";

const COUNT = 1_000_000;

/** Lengths as in a global table: mostly /24, some /16 to /23, a few others. */
function randomRoutes(): { prefix: Cidr; label: number }[] {
  const rng = seededRng(7);
  return Array.from({ length: COUNT }, () => {
    const dice = rng();
    const length = dice < 0.6 ? 24 : dice < 0.9 ? 16 + Math.floor(rng() * 8) : 8 + Math.floor(rng() * 25);
    return {
      prefix: cidrOf({ family: 4, value: BigInt(Math.floor(rng() * 2 ** 32)) }, length),
      label: Math.floor(rng() * 64),
    };
  });
}

export const aggregateBench: Bench = {
  name: "aggregate",
  about: "the smallest equal table of 1,000,000 random IPv4 prefixes with 64 next hops",
  run: async () => {
    const routes = randomRoutes();
    const start = performance.now();
    const result = aggregateRoutes(routes);
    const seconds = (performance.now() - start) / 1000;
    return [
      {
        name: "aggregation",
        value: seconds,
        unit: "s",
        note: `${routes.length} prefixes to ${result.length}`,
        goal: { kind: "at-most", limit: 5, of: "value" },
      },
    ];
  },
};
