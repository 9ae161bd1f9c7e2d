// `struct rtmsg` and its attributes as a Route. The hot path of a resync: 50,000 of them in tens of milliseconds.
import { bitsOf, type Family, type Ip } from "../net/ip.ts";
import { align, eachAttribute, familyOf, ipAt, need, u32At } from "./attributes.ts";
import { ROUTE_TYPES, RTA, RTNH_F_ONLINK } from "./constants.ts";
import type { NextHop, Route, RouteType } from "./types.ts";

const typeNames = new Map<number, RouteType>(
  Object.entries(ROUTE_TYPES).map(([name, number]) => [number, name as RouteType]),
);
const RTMSG = 12;
const RTNEXTHOP = 8;
const RTM_F_CLONED = 0x200;
const noHops: readonly NextHop[] = [];
const rejects: ReadonlySet<RouteType> = new Set(["unreachable", "blackhole", "prohibit", "throw"]);

type Found = {
  ip: Ip;
  table: number;
  metric: number;
  index: number;
  via: Ip | undefined;
  source: Ip | undefined;
  many: NextHop[] | undefined;
  isTuned: boolean;
};

/** `undefined`: of another family, a cached clone, or a route that chooses by source or tos. */
export function decodeRoute(view: DataView, at: number, end: number): Route | undefined {
  need(at, RTMSG, end);
  const family = familyOf(view.getUint8(at));
  const flags = view.getUint32(at + 8, true);
  const chooses = view.getUint8(at + 2) !== 0 || view.getUint8(at + 3) !== 0;
  if (!family || flags & RTM_F_CLONED || chooses) return undefined;
  const length = view.getUint8(at + 1);
  if (length > bitsOf(family)) throw new RangeError("prefix length");
  const type = typeNames.get(view.getUint8(at + 7)) ?? "other";
  const found = readAttributes(view, at, end, family);
  return {
    dst: { ip: found.ip, length },
    table: found.table,
    protocol: view.getUint8(at + 5),
    type,
    scope: view.getUint8(at + 6),
    metric: found.metric,
    nextHops: nextHopsOf(type, found, (flags & RTNH_F_ONLINK) !== 0),
    source: found.source,
    ...(found.isTuned ? { isTuned: true } : {}),
  };
}

function readAttributes(view: DataView, at: number, end: number, family: Family): Found {
  const found: Found = {
    ip: { family, value: 0n },
    table: view.getUint8(at + 4),
    metric: 0,
    index: 0,
    via: undefined,
    source: undefined,
    many: undefined,
    isTuned: false,
  };
  eachAttribute(view, at + RTMSG, end, (attribute, from, to) => {
    if (attribute === RTA.dst) found.ip = ipAt(view, from, to, family);
    else if (attribute === RTA.table) found.table = u32At(view, from, to);
    else if (attribute === RTA.gateway) found.via = ipAt(view, from, to, family);
    else if (attribute === RTA.oif) found.index = u32At(view, from, to);
    else if (attribute === RTA.priority) found.metric = u32At(view, from, to);
    else if (attribute === RTA.via) found.via = viaAt(view, from, to);
    else if (attribute === RTA.prefsrc) found.source = ipAt(view, from, to, family);
    else if (attribute === RTA.metrics || attribute === RTA.encapType) found.isTuned = true;
    else if (attribute === RTA.multipath) found.many = decodeHops(view, from, to, family);
  });
  return found;
}

/** The kernel shows IPv6 reject routes on lo: they have no next hop. */
function nextHopsOf(type: RouteType, { many, via, index }: Found, onlink: boolean): readonly NextHop[] {
  if (rejects.has(type)) return noHops;
  return many ?? (via || index > 0 ? [{ via, index, weight: 1, onlink }] : noHops);
}

/** `struct rtvia`: a gateway of the other family (IPv4 via IPv6). */
function viaAt(view: DataView, from: number, to: number): Ip | undefined {
  need(from, 2, to);
  const family = familyOf(view.getUint16(from, true));
  return family && ipAt(view, from + 2, to, family);
}

/** A list of `struct rtnexthop`. */
function decodeHops(view: DataView, from: number, end: number, family: Family): NextHop[] {
  const hops: NextHop[] = [];
  for (let at = from; at + RTNEXTHOP <= end;) {
    const length = view.getUint16(at, true);
    if (length < RTNEXTHOP || at + length > end) throw new RangeError("next hop overruns its attribute");
    let via: Ip | undefined;
    eachAttribute(view, at + RTNEXTHOP, at + length, (type, start, to) => {
      if (type === RTA.gateway) via = ipAt(view, start, to, family);
      else if (type === RTA.via) via = viaAt(view, start, to);
    });
    hops.push({
      via,
      index: view.getUint32(at + 4, true),
      weight: view.getUint8(at + 3) + 1,
      onlink: (view.getUint8(at + 2) & RTNH_F_ONLINK) !== 0,
    });
    at += align(length);
  }
  return hops;
}
