// The difference between two route tables as the fewest changes, in an order in which no packet is lost.
import type { Change, Route, Rule } from "../netlink/types.ts";
import {
  byKey,
  equalRoutes,
  isOurs,
  type Keys,
  type RouteKey,
  type RoutesByKey,
  type RouteTable,
  tableOf,
} from "./route-table.ts";

/**
 * Changes that make of `observed` what `desired` says. Routes of other protocols stay, also where ours would take their place, unless
 * `placed` has the key: what stands where a route of ours stood is a change of it by hand.
 *
 * The order: additions from the most specific on, then removals from the least specific on. So every address is at every moment
 * forwarded as before or as after: an addition that covers others comes when they are there, and what a removed route was an
 * exception from is gone before it. The plan of equal tables is empty.
 */
export function planTable(desired: RoutesByKey, observed: RouteTable, placed: Keys): Change[] {
  const additions: Change[] = [];
  const removals: Change[] = [];
  for (const [key, route] of desired) {
    const mine = observed.ours.get(key);
    if (mine && equalRoutes(mine, route)) continue;
    const other = observed.foreign.has(key);
    // Ours that is wrong beside another's of the same key (`ip route append`): a replace might hit the other's.
    if (mine && other) removals.push({ kind: "route-delete", route: mine });
    else if (mine || (other && placed.has(key))) additions.push({ kind: "route-replace", route });
    else if (!other) additions.push({ kind: "route-add", route });
  }
  for (const [key, route] of observed.ours)
    if (!desired.has(key)) removals.push({ kind: "route-delete", route });
  return [
    ...additions.sort((a, b) => lengthOf(b) - lengthOf(a)),
    ...removals.sort((a, b) => lengthOf(a) - lengthOf(b)),
  ];
}

/** As `planTable`, of routes in any order; `observed`: of one table, whoever's. */
export const planRoutes = (
  desired: readonly Route[],
  observed: readonly Route[],
  placed: Keys = new Set(),
): Change[] => planTable(byKey(desired), tableOf(observed), placed);

const lengthOf = (change: Change): number => ("route" in change ? change.route.dst.length : 0);

/** Keys of `desired` that foreign routes keep when the plan is done. */
export function blockedKeys(
  desired: RoutesByKey,
  { ours, foreign }: RouteTable,
  placed: Keys,
): Set<RouteKey> {
  const blocked = new Set<RouteKey>();
  for (const key of foreign.keys()) {
    const [wanted, mine] = [desired.get(key), ours.get(key)];
    if (wanted && (mine ? !equalRoutes(mine, wanted) : !placed.has(key))) blocked.add(key);
  }
  return blocked;
}

/** Our rules that are missing, then those of ours that are too many. One that somebody else made does as well as ours. */
export function planRules(desired: readonly Rule[], observed: readonly Rule[]): Change[] {
  const missing = desired.filter((rule) => !observed.some((found) => sameRule(rule, found)));
  const surplus = observed.filter(
    (rule) => isOurs(rule) && !desired.some((wanted) => sameRule(wanted, rule)),
  );
  return [
    ...missing.map((rule): Change => ({ kind: "rule-add", rule })),
    ...surplus.map((rule): Change => ({ kind: "rule-delete", rule })),
  ];
}

/** As the kernel compares them: whoever made them. */
export const sameRule = (a: Rule, b: Rule): boolean =>
  a.family === b.family && a.priority === b.priority && a.table === b.table;
