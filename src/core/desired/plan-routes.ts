// The difference between two route tables as the fewest changes, in an order in which no packet is lost.
import { equalIp, type Ip } from "../net/ip.ts";
import { type Change, type NextHop, type Route, ROMANA_PROTOCOL, type Rule } from "../netlink/types.ts";

/** A set of keys, or what answers as one. */
export type Keys = { has(key: RouteKey): boolean };

/** What the kernel tells routes of one table apart by. A number where it fits: tables are large, and texts slow. */
export type RouteKey = number | string;

export const routeKey = ({ dst: { ip, length }, metric }: Route): RouteKey =>
  ip.family === 4 && metric === 0
    ? Number(ip.value) * 64 + length
    : `${ip.family}/${ip.value.toString(16)}/${length}/${metric}`;

/**
 * Changes that make of `observed` (routes of one table, whoever's) what `desired` says. Routes of other protocols stay, also where
 * ours would take their place, unless `placed` has the key: what stands where a route of ours stood is a change of it by hand.
 *
 * The order: additions from the most specific on, then removals from the least specific on. So every address is at every moment
 * forwarded as before or as after: an addition that covers others comes when they are there, and what a removed route was an
 * exception from is gone before it. The plan of equal tables is empty.
 */
export function planRoutes(
  desired: readonly Route[],
  observed: readonly Route[],
  placed: Keys = new Set(),
): Change[] {
  const [surplus, foreign] = byOwner(observed);
  const additions: Change[] = [];
  for (const route of desired) {
    const key = routeKey(route);
    const mine = surplus.get(key);
    const other = foreign.get(key);
    const isRight = mine !== undefined && equalRoutes(mine, route);
    // Ours that is not right beside another's of the same key (`ip route append`): a replace might hit the other's.
    if (isRight || !other) surplus.delete(key);
    if (isRight) continue;
    if (!mine && !other) additions.push({ kind: "route-add", route });
    else if (!other || (!mine && placed.has(key))) additions.push({ kind: "route-replace", route });
  }
  return [
    ...additions.sort((a, b) => lengthOf(b) - lengthOf(a)),
    ...[...surplus.values()]
      .map((route): Change => ({ kind: "route-delete", route }))
      .sort((a, b) => lengthOf(a) - lengthOf(b)),
  ];
}

const lengthOf = (change: Change): number => ("route" in change ? change.route.dst.length : 0);

/** Ours and others', by key. */
function byOwner(routes: readonly Route[]): [Map<RouteKey, Route>, Map<RouteKey, Route>] {
  const [ours, foreign] = [new Map<RouteKey, Route>(), new Map<RouteKey, Route>()];
  for (const route of routes) (isOurs(route) ? ours : foreign).set(routeKey(route), route);
  return [ours, foreign];
}

/** Made by Romana, whichever of its parts. */
export const isOurs = ({ protocol }: Route | Rule): boolean => protocol === ROMANA_PROTOCOL;

export function equalRoutes(a: Route, b: Route): boolean {
  return (
    a.type === b.type &&
    a.scope === b.scope &&
    a.protocol === b.protocol &&
    a.metric === b.metric &&
    a.isTuned === b.isTuned &&
    a.dst.length === b.dst.length &&
    equalIp(a.dst.ip, b.dst.ip) &&
    sameIp(a.source, b.source) &&
    a.nextHops.length === b.nextHops.length &&
    a.nextHops.every((hop, i) => sameHop(hop, b.nextHops[i]))
  );
}

const sameIp = (a: Ip | undefined, b: Ip | undefined): boolean => (a && b ? equalIp(a, b) : a === b);
const sameHop = (a: NextHop, b: NextHop | undefined): boolean =>
  b !== undefined &&
  a.index === b.index &&
  a.weight === b.weight &&
  a.onlink === b.onlink &&
  sameIp(a.via, b.via);

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
