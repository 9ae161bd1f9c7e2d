// The difference between two route tables as the fewest changes, in an order in which no packet is lost.
import { equalIp, type Ip } from "../net/ip.ts";
import { type Change, type NextHop, type Route, ROMANA_PROTOCOL, type Rule } from "../netlink/types.ts";

/** What the kernel tells routes of one table apart by. */
const keyOf = ({ dst: { ip, length }, metric }: Route): string =>
  `${ip.family}/${ip.value}/${length}/${metric}`;

/**
 * Changes that make of `observed` (routes of one table, whoever's) what `desired` says. Routes of other protocols stay, also where
 * ours would take their place. New routes come before old ones go, the more specific first: at no time does a packet find less than
 * before or after. The plan of equal tables is empty.
 */
export function planRoutes(desired: readonly Route[], observed: readonly Route[]): Change[] {
  const there = new Map<string, Route>();
  for (const route of observed) {
    const key = keyOf(route);
    // A foreign route wins its key: it must be seen, not replaced.
    if (!there.has(key) || route.protocol !== ROMANA_PROTOCOL) there.set(key, route);
  }
  const wanted = new Set<string>();
  const additions: Route[] = [];
  for (const route of desired) {
    const key = keyOf(route);
    wanted.add(key);
    const found = there.get(key);
    if (!found || (found.protocol === ROMANA_PROTOCOL && !equalRoutes(found, route))) additions.push(route);
  }
  const removals = observed.filter(
    (route) => route.protocol === ROMANA_PROTOCOL && !wanted.has(keyOf(route)),
  );
  additions.sort((a, b) => b.dst.length - a.dst.length);
  return [
    ...additions.map((route): Change => ({ kind: "route-replace", route })),
    ...removals.map((route): Change => ({ kind: "route-delete", route })),
  ];
}

export function equalRoutes(a: Route, b: Route): boolean {
  return (
    a.type === b.type &&
    a.scope === b.scope &&
    a.protocol === b.protocol &&
    a.metric === b.metric &&
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

/** Our rules that are missing, then those of ours that are too many. */
export function planRules(desired: readonly Rule[], observed: readonly Rule[]): Change[] {
  const same = (a: Rule, b: Rule): boolean =>
    a.family === b.family &&
    a.priority === b.priority &&
    a.table === b.table &&
    a.protocol === b.protocol &&
    !b.from &&
    !b.to;
  const missing = desired.filter((rule) => !observed.some((found) => same(rule, found)));
  const surplus = observed.filter(
    (rule) => rule.protocol === ROMANA_PROTOCOL && !desired.some((wanted) => same(wanted, rule)),
  );
  return [
    ...missing.map((rule): Change => ({ kind: "rule-add", rule })),
    ...surplus.map((rule): Change => ({ kind: "rule-delete", rule })),
  ];
}
