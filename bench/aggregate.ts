// Aggregation of 1,000,000 prefixes: kernel tables by `aggregateRoutes`, announcements by `minimalUnion`.
import { seededRng } from "../src/base/clock.ts";
import { type AggregateOptions, aggregateRoutes, type Route } from "../src/core/net/aggregate.ts";
import { type Cidr, cidrOf, subnet } from "../src/core/net/cidr.ts";
import { minimalUnion } from "../src/core/net/prefix-set.ts";
import type { Bench, Figure } from "./figure.ts";

const COUNT = 1_000_000;
const HOPS = 64;
const LIMIT = 5;
const UNREACHABLE = -1;

/** Lengths as in a global table: mostly /24, some /16 to /23, a few others; IPv6 twice as long, 32 bits further down. */
function scattered(family: 4 | 6): Route<number>[] {
  const rng = seededRng(7);
  return Array.from({ length: COUNT }, () => {
    const dice = rng();
    const length = dice < 0.6 ? 24 : dice < 0.9 ? 16 + Math.floor(rng() * 8) : 8 + Math.floor(rng() * 25);
    const value = BigInt(Math.floor(rng() * 2 ** 32));
    const ip = family === 4 ? { family, value } : { family, value: (0x20010db8n << 96n) | (value << 64n) };
    return { prefix: cidrOf(ip, family === 4 ? length : 32 + length), label: Math.floor(rng() * HOPS) };
  });
}

/** Blocks as Romana gives them out: /29 side by side, each host a few in a row, one in eight free. */
function blocks(): Route<number>[] {
  const rng = seededRng(8);
  const network: Cidr = { ip: { family: 4, value: 10n << 24n }, length: 8 };
  let host = 0;
  return Array.from({ length: COUNT }, (_, i) => {
    if (rng() < 0.3) host = Math.floor(rng() * HOPS);
    return { prefix: subnet(network, 29, BigInt(i + (i >> 3))), label: host };
  });
}

function timed(name: string, count: number, work: () => readonly unknown[]): Figure {
  const start = performance.now();
  const { length } = work();
  const value = (performance.now() - start) / 1000;
  const note = `${count} prefixes to ${length}`;
  return { name, value, unit: "s", note, goal: { kind: "at-most", limit: LIMIT, of: "value" } };
}

function aggregation(name: string, routes: Route<number>[], options?: AggregateOptions<number>): Figure {
  return timed(name, routes.length, () => aggregateRoutes(routes, options));
}

export const aggregateBench: Bench = {
  name: "aggregate",
  about: `the smallest equal table of 1,000,000 prefixes with ${HOPS} next hops`,
  run: () => {
    const [four, six, ours] = [scattered(4), scattered(6), blocks()];
    const free = [{ ip: { family: 4 as const, value: 10n << 24n }, length: 8 }];
    return Promise.resolve([
      aggregation("IPv4, scattered", four),
      aggregation("IPv6, scattered", six),
      aggregation("IPv4, scattered, may say unreachable", four, { unreachable: UNREACHABLE }),
      aggregation("blocks of /29", ours),
      aggregation("blocks of /29, may say unreachable", ours, { unreachable: UNREACHABLE }),
      aggregation("blocks of /29, the rest is free", ours, { free }),
      timed("minimal union of blocks", COUNT, () => minimalUnion(ours.map(({ prefix }) => prefix))),
    ]);
  },
};
