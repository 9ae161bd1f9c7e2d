import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addressesOf,
  afterChanges,
  changeTable,
  forwarded,
  showTable,
} from "../../../test/support/kernel-table.ts";
import { formatCidr, parseCidr, subnet } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import { type Change, type Route, ROMANA_PROTOCOL, type Rule } from "../netlink/types.ts";
import { planRoutes, planRules } from "./plan-routes.ts";
import { isOurs, routeKey } from "./route-table.ts";

const [BOOT, STATIC] = [3, 4];
/** `hop`: the last number of the gateway; 0: unreachable. */
const route = (dst: string, hop: number, rest: Partial<Route> = {}): Route => ({
  dst: parseCidr(dst),
  table: 10,
  protocol: ROMANA_PROTOCOL,
  type: hop === 0 ? "unreachable" : "unicast",
  scope: 0,
  metric: 0,
  nextHops: hop === 0 ? [] : [{ via: parseIp(`192.168.0.${hop}`), index: 2, weight: 1, onlink: false }],
  source: undefined,
  ...rest,
});
const foreign = { protocol: STATIC };

const show = (changes: readonly Change[]): string[] =>
  changes.map((change) =>
    "route" in change ? `${change.kind.slice(6)} ${showTable([change.route])[0]}` : change.kind,
  );

type Row = {
  readonly what: string;
  readonly desired: readonly Route[];
  readonly observed: readonly Route[];
  readonly placed?: readonly Route[];
  readonly plan: readonly string[];
};
const rows: readonly Row[] = [
  {
    what: "nothing to do",
    desired: [route("10.0.0.0/29", 2)],
    observed: [route("10.0.0.0/29", 2)],
    plan: [],
  },
  {
    what: "what is missing is added, not replaced: somebody else may come first",
    desired: [route("10.0.0.0/29", 2)],
    observed: [],
    plan: ["add 10.0.0.0/29 via 192.168.0.2 dev 2"],
  },
  {
    what: "what is ours and wrong is replaced in one step",
    desired: [route("10.0.0.0/29", 2)],
    observed: [route("10.0.0.0/29", 3)],
    plan: ["replace 10.0.0.0/29 via 192.168.0.2 dev 2"],
  },
  {
    what: "what is ours and not wanted goes",
    desired: [],
    observed: [route("10.0.0.0/29", 3), route("10.0.0.8/29", 3, foreign)],
    plan: ["delete 10.0.0.0/29 via 192.168.0.3 dev 2"],
  },
  {
    what: "a foreign route keeps the place it had before ours",
    desired: [route("10.0.0.0/29", 2)],
    observed: [route("10.0.0.0/29", 3, foreign)],
    plan: [],
  },
  {
    what: "a foreign route in the place of ours is ours, changed by hand",
    desired: [route("10.0.0.0/29", 2)],
    observed: [route("10.0.0.0/29", 3, { protocol: BOOT })],
    placed: [route("10.0.0.0/29", 2)],
    plan: ["replace 10.0.0.0/29 via 192.168.0.2 dev 2"],
  },
  {
    what: "a foreign route of another metric is another route",
    desired: [route("10.0.0.0/29", 2)],
    observed: [route("10.0.0.0/29", 3, { ...foreign, metric: 5 })],
    plan: ["add 10.0.0.0/29 via 192.168.0.2 dev 2"],
  },
  {
    what: "a foreign route appended to ours changes nothing while ours is right",
    desired: [route("10.0.0.0/29", 2)],
    observed: [route("10.0.0.0/29", 2), route("10.0.0.0/29", 3, foreign)],
    plan: [],
  },
  {
    what: "ours goes from beside a foreign route when it is wrong: a replace might hit the other",
    desired: [route("10.0.0.0/29", 4)],
    observed: [route("10.0.0.0/29", 2), route("10.0.0.0/29", 3, foreign)],
    placed: [route("10.0.0.0/29", 2)],
    plan: ["delete 10.0.0.0/29 via 192.168.0.2 dev 2"],
  },
  {
    what: "additions go from the specific to the general, removals the other way, all additions first",
    desired: [route("10.0.0.0/24", 2), route("10.0.0.0/29", 3), route("10.0.0.0/28", 0)],
    observed: [route("10.1.0.0/29", 3), route("10.1.0.0/24", 2)],
    plan: [
      "add 10.0.0.0/29 via 192.168.0.3 dev 2",
      "add unreachable 10.0.0.0/28",
      "add 10.0.0.0/24 via 192.168.0.2 dev 2",
      "delete 10.1.0.0/24 via 192.168.0.2 dev 2",
      "delete 10.1.0.0/29 via 192.168.0.3 dev 2",
    ],
  },
];
for (const { what, desired, observed, placed = [], plan } of rows)
  test(what, () => {
    assert.deepEqual(show(planRoutes(desired, observed, new Set(placed.map(routeKey)))), plan);
  });

/** Prefixes in a universe of 16 addresses, of each family. */
const universes = [parseCidr("10.0.0.0/28"), parseCidr("fd00::/124")];
const prefixes = fc
  .tuple(fc.constantFrom(...universes), fc.integer({ min: 0, max: 4 }), fc.nat(15))
  .map(([all, bits, at]) => subnet(all, all.length + bits, BigInt(at >> (4 - bits))));
const anyRoute = (protocol: fc.Arbitrary<number>): fc.Arbitrary<Route> =>
  fc
    .tuple(prefixes, fc.constantFrom(0, 2, 3), protocol)
    .map(([dst, hop, by]) => ({ ...route("10.0.0.0/8", hop), dst, protocol: by }));
const tables = (protocol: fc.Arbitrary<number>): fc.Arbitrary<Route[]> =>
  fc.uniqueArray(anyRoute(protocol), { selector: routeKey, maxLength: 12 });
const ours = tables(fc.constant(ROMANA_PROTOCOL));
const anyones = tables(fc.constantFrom(ROMANA_PROTOCOL, ROMANA_PROTOCOL, STATIC));

test("law: the plan applied to what is there makes it what is wanted, and leaves nothing to do", () => {
  fc.assert(
    fc.property(ours, anyones, (desired, observed) => {
      const after = afterChanges(observed, planRoutes(desired, observed));
      const kept = observed.filter((each) => !isOurs(each));
      const taken = new Set(kept.map(routeKey));
      const wanted = [...kept, ...desired.filter((each) => !taken.has(routeKey(each)))];
      assert.deepEqual(showTable(after), showTable(wanted));
      assert.deepEqual(planRoutes(desired, after), []);
    }),
  );
});

test("law: the plan names no foreign route, nor the place of one", () => {
  fc.assert(
    fc.property(ours, anyones, (desired, observed) => {
      const foreignKeys = new Set(observed.filter((each) => !isOurs(each)).map(routeKey));
      for (const change of planRoutes(desired, observed))
        assert.ok("route" in change && isOurs(change.route) && !foreignKeys.has(routeKey(change.route)));
    }),
  );
});

test("law: after every single change each address is forwarded as before or as after", () => {
  const addresses = universes.flatMap(addressesOf);
  fc.assert(
    fc.property(ours, anyones, (desired, observed) => {
      const plan = planRoutes(desired, observed);
      const end = afterChanges(observed, plan);
      const allowed = addresses.map((ip) => [forwarded(observed, ip), forwarded(end, ip)]);
      let table: readonly Route[] = observed;
      for (const change of plan) {
        table = afterChanges(table, [change]);
        for (const [i, ip] of addresses.entries())
          assert.ok(allowed[i]?.includes(forwarded(table, ip)), `${show([change])[0]}: ${ip.value}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("the model of the kernel refuses what the kernel refuses", () => {
  const one = route("10.0.0.0/29", 2);
  assert.equal(changeTable([one], { kind: "route-add", route: one }), "EEXIST");
  assert.equal(changeTable([], { kind: "route-delete", route: one }), "ESRCH");
  assert.equal(changeTable([{ ...one, ...foreign }], { kind: "route-delete", route: one }), "ESRCH");
  assert.equal(formatCidr(one.dst), "10.0.0.0/29");
});

const rule = (family: 4 | 6, rest: Partial<Rule> = {}): Rule => ({
  ...{ family, priority: 10, table: 10, protocol: ROMANA_PROTOCOL },
  ...rest,
});
const ruleRows: readonly (readonly [string, readonly Rule[], readonly string[]])[] = [
  ["missing rules are added", [], ["rule-add 4 10", "rule-add 6 10"]],
  ["what is there is left", [rule(4), rule(6)], []],
  ["a rule that somebody else made does as well", [rule(4, { protocol: BOOT }), rule(6)], []],
  [
    "ours for another table goes, last",
    [rule(4, { table: 20 }), rule(6)],
    ["rule-add 4 10", "rule-delete 4 20"],
  ],
  ["a foreign one for another table stays", [rule(4), rule(6), rule(6, { table: 20, protocol: BOOT })], []],
];
for (const [what, observed, expected] of ruleRows)
  test(`rules: ${what}`, () => {
    const plan = planRules([rule(4), rule(6)], observed);
    assert.deepEqual(
      plan.map((change) =>
        "rule" in change ? `${change.kind} ${change.rule.family} ${change.rule.table}` : "",
      ),
      expected,
    );
  });
