// One routing table by whose its routes are, and what makes two routes the same.
import { equalIp, type Ip } from "../net/ip.ts";
import { type NextHop, type Route, ROMANA_PROTOCOL, type Rule } from "../netlink/types.ts";

/** What the kernel tells routes of one table apart by. A number where it fits: tables are large, and texts slow. */
export type RouteKey = number | string;

export const routeKey = ({ dst: { ip, length }, metric }: Route): RouteKey =>
  ip.family === 4 && metric === 0
    ? Number(ip.value) * 64 + length
    : `${ip.family}/${ip.value.toString(16)}/${length}/${metric}`;

export type RoutesByKey = ReadonlyMap<RouteKey, Route>;

/** `foreign`: the last of those that share a key. */
export type RouteTable = { readonly ours: RoutesByKey; readonly foreign: RoutesByKey };

/** A set of keys, or what answers as one. */
export type Keys = { has(key: RouteKey): boolean };

export const byKey = (routes: readonly Route[]): Map<RouteKey, Route> =>
  new Map(routes.map((route) => [routeKey(route), route]));

export function tableOf(routes: readonly Route[]): RouteTable {
  const [ours, foreign] = [new Map<RouteKey, Route>(), new Map<RouteKey, Route>()];
  for (const route of routes) (isOurs(route) ? ours : foreign).set(routeKey(route), route);
  return { ours, foreign };
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
