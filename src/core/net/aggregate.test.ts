import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng } from "../../base/clock.ts";
import { aggregateRoutes, type AggregateOptions, type Route } from "./aggregate.ts";
import { type Cidr, cidrOf, containsCidr, firstIp, formatCidr, lastIp, parseCidr, subnet } from "./cidr.ts";
import { bitsOf, type Family, formatIp, type Ip } from "./ip.ts";
import { prefixMap } from "./prefix-map.ts";
import { prefixSet, setHasIp } from "./prefix-set.ts";

type Options = AggregateOptions<string>;
/** What may happen to an address: forwarded by this label, or not at all (null). */
type Wanted = { readonly label: string | null } | "anything";
const UNREACHABLE = "!";

const route = (text: string): Route<string> => {
  const [prefix = "", label = ""] = text.split(" ");
  return { prefix: parseCidr(prefix), label };
};
const show = (routes: readonly Route<string>[]): string[] =>
  routes.map(({ prefix, label }) => `${formatCidr(prefix)} ${label}`);

const cases: { name: string; routes: string[]; free?: string[]; unreachable?: boolean; result: string[] }[] =
  [
    { name: "no routes, no table", routes: [], result: [] },
    { name: "a twin pair joins", routes: ["10.0.0.0/25 a", "10.0.0.128/25 a"], result: ["10.0.0.0/24 a"] },
    {
      name: "a route inside its like goes",
      routes: ["10.0.0.0/8 a", "10.1.0.0/16 a"],
      result: ["10.0.0.0/8 a"],
    },
    {
      name: "the example of the paper: a default route moves to the commoner label",
      routes: ["0.0.0.0/0 a", "0.0.0.0/2 b", "64.0.0.0/2 c", "128.0.0.0/2 b"],
      result: ["0.0.0.0/0 b", "64.0.0.0/2 c", "192.0.0.0/2 a"],
    },
    {
      name: "what nothing would be saved by covering stays as it is",
      routes: ["10.0.0.0/24 a", "10.0.1.0/24 b", "10.0.2.0/23 c"],
      result: ["10.0.0.0/24 a", "10.0.1.0/24 b", "10.0.2.0/23 c"],
    },
    {
      name: "the commoner label covers where that saves a route",
      routes: ["10.0.0.0/26 a", "10.0.0.64/26 b", "10.0.0.128/26 a", "10.0.0.192/26 c"],
      result: ["10.0.0.0/24 a", "10.0.0.64/26 b", "10.0.0.192/26 c"],
    },
    {
      name: "a hole is not covered",
      routes: ["10.0.0.0/26 a", "10.0.0.64/26 a", "10.0.0.192/26 a"],
      result: ["10.0.0.0/25 a", "10.0.0.192/26 a"],
    },
    {
      name: "a hole is cut out with unreachable",
      routes: ["10.0.0.0/26 a", "10.0.0.64/26 a", "10.0.0.192/26 a"],
      unreachable: true,
      result: ["10.0.0.0/24 a", "10.0.0.128/26 !"],
    },
    {
      name: "a free hole is covered",
      routes: ["10.0.0.0/26 a", "10.0.0.64/26 a", "10.0.0.192/26 a"],
      free: ["10.0.0.0/16"],
      result: ["10.0.0.0/16 a"],
    },
    {
      name: "free space stops where it ends",
      routes: ["10.0.0.0/32 a", "10.0.0.2/32 a"],
      free: ["10.0.0.0/31"],
      result: ["10.0.0.0/31 a", "10.0.0.2/32 a"],
    },
    { name: "free space alone needs no route", routes: [], free: ["10.0.0.0/8", "10.0.0.0/9"], result: [] },
    {
      name: "an explicit unreachable inside free space stays",
      routes: ["10.0.0.0/32 a", "10.0.0.1/32 !", "10.0.0.2/31 a"],
      free: ["10.0.0.0/8"],
      unreachable: true,
      result: ["10.0.0.0/8 a", "10.0.0.1/32 !"],
    },
    {
      name: "the last of equal prefixes counts",
      routes: ["10.0.0.0/8 a", "10.0.0.0/8 b"],
      result: ["10.0.0.0/8 b"],
    },
    { name: "unreachable is the default anyway", routes: ["0.0.0.0/0 !"], unreachable: true, result: [] },
    {
      name: "families do not mix, and sort",
      routes: ["2001:db8::/33 a", "10.0.0.0/8 a", "2001:db8:8000::/33 a"],
      result: ["10.0.0.0/8 a", "2001:db8::/32 a"],
    },
  ];
for (const { name, routes, free = [], unreachable, result } of cases)
  test(name, () => {
    const options: Options = {
      free: free.map((text) => parseCidr(text)),
      ...(unreachable ? { unreachable: UNREACHABLE } : {}),
    };
    assert.deepEqual(show(aggregateRoutes(routes.map(route), options)), result);
  });

/** The label that a table gives to all of `cidr`, which no prefix of the table divides. */
function labelAt(routes: readonly Route<string>[], cidr: Cidr): string | undefined {
  const held = routes.filter(({ prefix }) => containsCidr(prefix, cidr));
  return held.reduce<Route<string> | undefined>(
    (best, next) => (best && best.prefix.length > next.prefix.length ? best : next),
    undefined,
  )?.label;
}

/** What the given table wants of `cidr`, told straight from the definition. */
function wantedAt(routes: readonly Route<string>[], options: Options, cidr: Cidr): Wanted {
  const label = labelAt(routes, cidr);
  if (label === undefined && options.free?.some((free) => containsCidr(free, cidr))) return "anything";
  return { label: fate(label, options) };
}

const fate = (label: string | undefined, { unreachable }: Options): string | null =>
  label === undefined || label === unreachable ? null : label;
const serves = (wanted: Wanted, label: string | undefined, options: Options): boolean =>
  wanted === "anything" || wanted.label === fate(label, options);

/** The largest prefixes under `cidr` that none of `bounds` divides. */
function undivided(cidr: Cidr, bounds: readonly Cidr[]): Cidr[] {
  const inside = bounds.filter((bound) => bound.length > cidr.length && containsCidr(cidr, bound));
  return inside.length === 0 ? [cidr] : halves(cidr).flatMap((half) => undivided(half, inside));
}
const halves = (cidr: Cidr): Cidr[] => [0n, 1n].map((i) => subnet(cidr, cidr.length + 1, i));

/**
 * The size of the smallest table, by trying at every prefix of the undivided tree every label and none: the cost of a
 * subtree for each label that it may inherit (undefined: no route). Knows nothing of ORTC.
 */
function leastSize(cidr: Cidr, routes: readonly Route<string>[], options: Options): number {
  const labels = [...new Set(routes.map(({ label }) => label)), options.unreachable];
  const installable = [...new Set(labels.filter((label) => label !== undefined))];
  const bounds = [...routes.map(({ prefix }) => prefix), ...(options.free ?? [])];
  const costs = (at: Cidr, near: readonly Cidr[]): Map<string | undefined, number> => {
    const inside = near.filter((bound) => bound.length > at.length && containsCidr(at, bound));
    const parts = inside.length === 0 ? [] : halves(at).map((half) => costs(half, inside));
    const bare = (label: string | undefined): number => {
      if (parts.length === 0) return serves(wantedAt(routes, options, at), label, options) ? 0 : Infinity;
      return parts.reduce((sum, part) => sum + (part.get(label) ?? Infinity), 0);
    };
    const installed = 1 + Math.min(...installable.map(bare));
    return new Map([undefined, ...installable].map((label) => [label, Math.min(bare(label), installed)]));
  };
  return costs(cidr, bounds).get(undefined) ?? Infinity;
}

function assertOptimal(universe: Cidr, routes: readonly Route<string>[], options: Options): void {
  const result = aggregateRoutes(routes, options);
  const bounds = [...routes, ...result].map(({ prefix }) => prefix).concat(options.free ?? []);
  for (const cidr of undivided(universe, bounds))
    assert.ok(
      serves(wantedAt(routes, options, cidr), labelAt(result, cidr), options),
      `differs at ${formatCidr(cidr)}`,
    );
  assert.equal(result.length, leastSize(universe, routes, options), "not the smallest");
  assert.equal(new Set(result.map(({ prefix }) => formatCidr(prefix))).size, result.length, "a prefix twice");
}

const modes = fc.record({ unreachable: fc.boolean(), free: fc.boolean() });
function optionsOf(mode: { unreachable: boolean; free: boolean }, free: readonly Cidr[]): Options {
  return { ...(mode.unreachable ? { unreachable: UNREACHABLE } : {}), ...(mode.free ? { free } : {}) };
}

/** Any prefix at most `depth` bits below `universe`. */
const prefixIn = (universe: Cidr, depth: number): fc.Arbitrary<Cidr> =>
  fc
    .integer({ min: 0, max: depth })
    .chain((more) =>
      fc
        .bigInt(0n, (1n << BigInt(more)) - 1n)
        .map((index) => subnet(universe, universe.length + more, index)),
    );
const routeIn = (prefix: fc.Arbitrary<Cidr>, labels: string[]): fc.Arbitrary<Route<string>> =>
  fc.record({ prefix, label: fc.constantFrom(...labels) });

for (const text of ["0.0.0.0/0", "10.0.0.0/28", "::/0", "2001:db8::/62", "2001:db8::/124"]) {
  const universe = parseCidr(text);
  const prefix = prefixIn(universe, 4);
  test(`as small as can be, and forwards alike: 4 bits under ${text}`, () => {
    fc.assert(
      fc.property(
        fc.array(routeIn(prefix, ["a", "b", "c", UNREACHABLE]), { maxLength: 14 }),
        fc.array(prefix, { maxLength: 3 }),
        modes,
        (routes, free, mode) => assertOptimal(universe, routes, optionsOf(mode, free)),
      ),
      { numRuns: 250 },
    );
  });
}

test("as small as can be on long paths: any lengths near one address", () => {
  const trunk: Ip = { family: 6, value: 0x2982db348de63f98f14aa3fc55ae0760n };
  const near = fc
    .record({ length: fc.integer({ min: 0, max: 128 }), turn: fc.integer({ min: 0, max: 127 }) })
    .map(({ length, turn }) => cidrOf(flip(trunk, turn), length));
  fc.assert(
    fc.property(
      fc.array(routeIn(near, ["a", "b", UNREACHABLE]), { maxLength: 8 }),
      fc.array(near, { maxLength: 2 }),
      modes,
      (routes, free, mode) => assertOptimal(parseCidr("::/0"), routes, optionsOf(mode, free)),
    ),
    { numRuns: 40 },
  );
});
const flip = ({ family, value }: Ip, bit: number): Ip => ({
  family,
  value: value ^ (1n << BigInt(bitsOf(family) - 1 - bit)),
});

test("law: a table of thousands forwards every address alike, and is as small when aggregated again", () => {
  const sorts = fc.record({
    family: fc.constantFrom<Family>(4, 6),
    seed: fc.integer(),
    labels: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(sorts, modes, ({ family, seed, labels }, mode) => {
      const rng = seededRng(seed);
      const cidrs = Array.from({ length: 2000 }, () => crowdedCidr(family, rng));
      const routes = cidrs
        .slice(0, 1950)
        .map((prefix) => ({ prefix, label: `abcdefgh${UNREACHABLE}`[Math.floor(rng() * labels)] ?? "" }));
      const options = optionsOf(mode, cidrs.slice(1950));
      const result = aggregateRoutes(routes, options);
      assert.ok(result.length < routes.length);
      assert.equal(aggregateRoutes(result, { ...options, free: [] }).length, result.length);
      const [given, found, free] = [
        prefixMap(asEntries(routes)),
        prefixMap(asEntries(result)),
        prefixSet(options.free ?? []),
      ];
      for (const ip of [...routes, ...result].flatMap(({ prefix }) => edgesOf(prefix))) {
        const label = given.lookup(ip)?.value;
        if (label === undefined && setHasIp(free, ip)) continue;
        assert.equal(fate(found.lookup(ip)?.value, options), fate(label, options), formatIp(ip));
      }
    }),
    { numRuns: 12 },
  );
});

/** Nested and next to each other: a random walk from the top that seldom leaves the crowd. */
function crowdedCidr(family: Family, rng: () => number): Cidr {
  const value = BigInt(Math.floor(rng() * 2 ** 12)) << BigInt(bitsOf(family) - 20);
  return cidrOf({ family, value }, 8 + Math.floor(rng() * 13));
}
const asEntries = (routes: readonly Route<string>[]) =>
  routes.map(({ prefix, label }) => ({ prefix, value: label }));
/** Where forwarding may change: the ends of a prefix, and the addresses before and after. */
const edgesOf = (cidr: Cidr): Ip[] =>
  [firstIp(cidr).value - 1n, firstIp(cidr).value, lastIp(cidr).value, lastIp(cidr).value + 1n]
    .filter((value) => value >= 0n && value < 1n << BigInt(bitsOf(cidr.ip.family)))
    .map((value) => ({ family: cidr.ip.family, value }));

test("all 5^4 tables of 2 bits against all 4^7 candidate tables", () => {
  const universe = parseCidr("128.0.0.0/30");
  const prefixes = [30, 31, 32].flatMap((length) =>
    Array.from({ length: 2 ** (length - 30) }, (_, i) => subnet(universe, length, BigInt(i))),
  );
  const quads = prefixes.slice(3);
  for (const unreachable of [false, true]) {
    const third = unreachable ? UNREACHABLE : "c";
    const sizes = leastSizeByForwarding(prefixes.length, ["", "a", "b", third]);
    for (const labels of words(["a", "b", third, "", "free"], 4)) {
      const given = quads.map((prefix, i) => ({ prefix, label: labels[i] ?? "" }));
      const routes = given.filter(({ label }) => label !== "" && label !== "free");
      const free = given.filter(({ label }) => label === "free").map(({ prefix }) => prefix);
      const options = optionsOf({ unreachable, free: true }, free);
      const wanted = quads.map((quad) => wantedAt(routes, options, quad));
      const good = sizes.filter(({ got }) =>
        wanted.every((want, i) => serves(want, got[i] || undefined, options)),
      );
      const least = Math.min(...good.map(({ size }) => size));
      assert.equal(aggregateRoutes(routes, options).length, least, labels.join());
      assertOptimal(universe, routes, options);
    }
  }
});

/** The size of the smallest table for each forwarding of the four addresses, by making every table there is. */
function leastSizeByForwarding(prefixes: number, choices: string[]): { got: string[]; size: number }[] {
  const least = new Map<string, { got: string[]; size: number }>();
  for (const [all = "", left = "", right = "", ...quads] of words(choices, prefixes)) {
    const got = quads.map((label, i) => label || (i < 2 ? left : right) || all);
    const size = [all, left, right, ...quads].filter((label) => label !== "").length;
    if (size < (least.get(got.join())?.size ?? Infinity)) least.set(got.join(), { got, size });
  }
  return [...least.values()];
}

function words(letters: string[], length: number): string[][] {
  if (length === 0) return [[]];
  return words(letters, length - 1).flatMap((word) => letters.map((letter) => [...word, letter]));
}
