// rtnetlink messages as values. Robust against truncated and foreign input: what cannot be read is a `malformed` message.
import { bitsOf, type Family, type Ip } from "../net/ip.ts";
import {
  AF,
  FRA,
  IFA,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  NLM_F,
  NLMSG,
  NLMSGERR_ATTR_MSG,
  ROUTE_TYPES,
  RTA,
  RTM,
  RTNH_F_ONLINK,
} from "./constants.ts";
import type { InterfaceAddress, Link, NextHop, Notification, Route, RouteType, Rule } from "./types.ts";

export type Message =
  /** `errno` 0: an acknowledgement. `text`: the kernel's extended explanation, "" without one. */
  | { readonly kind: "error"; readonly sequence: number; readonly errno: number; readonly text: string }
  /** `interrupted`: the dump changed under way and must be asked for again. `errno`: it failed. */
  | {
      readonly kind: "done";
      readonly sequence: number;
      readonly errno: number;
      readonly interrupted: boolean;
    }
  | {
      readonly kind: "object";
      readonly sequence: number;
      readonly interrupted: boolean;
      readonly object: Exclude<Notification, { kind: "overrun" }>;
    }
  | { readonly kind: "malformed"; readonly sequence: number; readonly type: number };

const HEADER = 16;
const align = (n: number): number => (n + 3) & ~3;

/** All messages of one datagram; of a kind that is not asked for (RTM_NEWNEIGH, …) none. */
export function decodeMessages(bytes: Uint8Array): Message[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) {
      messages.push({
        kind: "malformed",
        sequence: view.getUint32(at + 8, true),
        type: view.getUint16(at + 4, true),
      });
      break;
    }
    const message = decodeMessage(view, at, at + length);
    if (message) messages.push(message);
    at += align(length);
  }
  return messages;
}

function decodeMessage(view: DataView, at: number, end: number): Message | undefined {
  const type = view.getUint16(at + 4, true);
  const flags = view.getUint16(at + 6, true);
  const sequence = view.getUint32(at + 8, true);
  const interrupted = (flags & NLM_F.dumpInterrupted) !== 0;
  try {
    if (type === NLMSG.done)
      return {
        kind: "done",
        sequence,
        errno: at + HEADER + 4 <= end ? -view.getInt32(at + HEADER, true) : 0,
        interrupted,
      };
    if (type === NLMSG.error) return decodeError(view, at, end, flags, sequence);
    const object = decodeObject(type, view, at + HEADER, end);
    return object && { kind: "object", sequence, interrupted, object };
  } catch (error) {
    if (error instanceof RangeError) return { kind: "malformed", sequence, type };
    throw error;
  }
}

/** `struct nlmsgerr`, then, past the echoed request, attributes. */
function decodeError(view: DataView, at: number, end: number, flags: number, sequence: number): Message {
  const errno = -view.getInt32(at + HEADER, true);
  let text = "";
  if (flags & NLM_F.ackTlvs) {
    const echoed = flags & NLM_F.capped ? HEADER : view.getUint32(at + HEADER + 4, true);
    eachAttribute(view, at + HEADER + 4 + align(echoed), end, (type, from, to) => {
      if (type === NLMSGERR_ATTR_MSG) text = textAt(view, from, to);
    });
  }
  return { kind: "error", sequence, errno, text };
}

type Decoded = Exclude<Notification, { kind: "overrun" }>;

function decodeObject(type: number, view: DataView, at: number, end: number): Decoded | undefined {
  switch (type) {
    case RTM.newRoute:
    case RTM.delRoute: {
      const route = decodeRoute(view, at, end);
      return route && { kind: "route", deleted: type === RTM.delRoute, route };
    }
    case RTM.newLink:
    case RTM.delLink:
      return { kind: "link", deleted: type === RTM.delLink, link: decodeLink(view, at, end) };
    case RTM.newAddress:
    case RTM.delAddress: {
      const address = decodeAddress(view, at, end);
      return address && { kind: "address", deleted: type === RTM.delAddress, address };
    }
    case RTM.newRule:
    case RTM.delRule: {
      const rule = decodeRule(view, at, end);
      return rule && { kind: "rule", deleted: type === RTM.delRule, rule };
    }
    default:
      return undefined;
  }
}

/** Calls `each` with an attribute's type (flags cleared) and the bounds of its payload. A RangeError: it overruns its parent. */
function eachAttribute(
  view: DataView,
  from: number,
  end: number,
  each: (type: number, from: number, to: number) => void,
): void {
  for (let at = from; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) throw new RangeError("attribute overruns its message");
    each(view.getUint16(at + 2, true) & 0x3fff, at + 4, at + length);
    at += align(length);
  }
}

function textAt(view: DataView, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to && view.getUint8(i) !== 0; i++) text += String.fromCharCode(view.getUint8(i));
  return text;
}

function macAt(view: DataView, from: number, to: number): string {
  const parts: string[] = [];
  for (let i = from; i < to; i++) parts.push(view.getUint8(i).toString(16).padStart(2, "0"));
  return parts.join(":");
}

function ipAt(view: DataView, from: number, family: Family): Ip {
  if (family === 4) return { family, value: BigInt(view.getUint32(from, false)) };
  return { family, value: (view.getBigUint64(from, false) << 64n) | view.getBigUint64(from + 8, false) };
}

const familyOf = (af: number): Family | undefined => (af === AF[4] ? 4 : af === AF[6] ? 6 : undefined);
const typeNames = new Map<number, RouteType>(
  Object.entries(ROUTE_TYPES).map(([name, number]) => [number, name as RouteType]),
);
const RTM_F_CLONED = 0x200;

/** `struct rtmsg`. `undefined`: of another family, or a cached clone. */
function decodeRoute(view: DataView, at: number, end: number): Route | undefined {
  const family = familyOf(view.getUint8(at));
  const flags = view.getUint32(at + 8, true);
  if (!family || flags & RTM_F_CLONED) return undefined;
  const length = view.getUint8(at + 1);
  if (length > bitsOf(family)) throw new RangeError("prefix length");
  const type = typeNames.get(view.getUint8(at + 7)) ?? "other";
  let ip: Ip = { family, value: 0n };
  let [table, metric, index] = [view.getUint8(at + 4), 0, 0];
  let via: Ip | undefined;
  let source: Ip | undefined;
  let many: NextHop[] | undefined;
  eachAttribute(view, at + 12, end, (attribute, from, to) => {
    if (attribute === RTA.dst) ip = ipAt(view, from, family);
    else if (attribute === RTA.table) table = view.getUint32(from, true);
    else if (attribute === RTA.gateway) via = ipAt(view, from, family);
    else if (attribute === RTA.oif) index = view.getUint32(from, true);
    else if (attribute === RTA.priority) metric = view.getUint32(from, true);
    else if (attribute === RTA.via) via = viaAt(view, from);
    else if (attribute === RTA.prefsrc) source = ipAt(view, from, family);
    else if (attribute === RTA.multipath) many = decodeHops(view, from, to, family);
  });
  // The kernel shows IPv6 reject routes on lo: they have no next hop.
  const rejects = type === "unreachable" || type === "blackhole" || type === "prohibit";
  const nextHops = rejects
    ? []
    : (many ?? (via || index > 0 ? [{ via, index, weight: 1, onlink: (flags & RTNH_F_ONLINK) !== 0 }] : []));
  return {
    dst: { ip, length },
    table,
    protocol: view.getUint8(at + 5),
    type,
    scope: view.getUint8(at + 6),
    metric,
    nextHops,
    source,
  };
}

function viaAt(view: DataView, from: number): Ip | undefined {
  const family = familyOf(view.getUint16(from, true));
  return family && ipAt(view, from + 2, family);
}

/** A list of `struct rtnexthop`. */
function decodeHops(view: DataView, from: number, end: number, family: Family): NextHop[] {
  const hops: NextHop[] = [];
  for (let at = from; at + 8 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 8 || at + length > end) throw new RangeError("next hop overruns its attribute");
    let via: Ip | undefined;
    eachAttribute(view, at + 8, at + length, (type, start) => {
      if (type === RTA.gateway) via = ipAt(view, start, family);
      else if (type === RTA.via) via = viaAt(view, start);
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

/** `struct ifinfomsg`. */
function decodeLink(view: DataView, at: number, end: number): Link {
  const link = {
    index: view.getUint32(at + 4, true),
    name: "",
    kind: "",
    mtu: 0,
    up: (view.getUint32(at + 8, true) & IFF_UP) !== 0,
    mac: "",
    peerIndex: 0,
    master: 0,
    alias: "",
  };
  eachAttribute(view, at + 16, end, (type, from, to) => {
    if (type === IFLA.ifname) link.name = textAt(view, from, to);
    else if (type === IFLA.mtu) link.mtu = view.getUint32(from, true);
    else if (type === IFLA.address) link.mac = macAt(view, from, to);
    else if (type === IFLA.link) link.peerIndex = view.getUint32(from, true);
    else if (type === IFLA.master) link.master = view.getUint32(from, true);
    else if (type === IFLA.ifalias) link.alias = textAt(view, from, to);
    else if (type === IFLA.linkinfo)
      eachAttribute(view, from, to, (info, start, stop) => {
        if (info === IFLA_INFO.kind) link.kind = textAt(view, start, stop);
      });
  });
  return link;
}

/** `struct ifaddrmsg`. IFA_LOCAL is the interface's own address where both are there. */
function decodeAddress(view: DataView, at: number, end: number): InterfaceAddress | undefined {
  const family = familyOf(view.getUint8(at));
  if (!family) return undefined;
  let local: Ip | undefined;
  let ip: Ip | undefined;
  let [label, flags] = ["", view.getUint8(at + 2)];
  eachAttribute(view, at + 8, end, (type, from, to) => {
    if (type === IFA.local) local = ipAt(view, from, family);
    else if (type === IFA.address) ip = ipAt(view, from, family);
    else if (type === IFA.label) label = textAt(view, from, to);
    else if (type === IFA.flags) flags = view.getUint32(from, true);
  });
  const own = local ?? ip;
  return (
    own && {
      index: view.getUint32(at + 4, true),
      ip: own,
      length: view.getUint8(at + 1),
      label,
      scope: view.getUint8(at + 3),
      flags,
    }
  );
}

/** `struct fib_rule_hdr`. */
function decodeRule(view: DataView, at: number, end: number): Rule | undefined {
  const family = familyOf(view.getUint8(at));
  if (!family) return undefined;
  const zero: Ip = { family, value: 0n };
  const [toLength, fromLength] = [view.getUint8(at + 1), view.getUint8(at + 2)];
  let [priority, table, protocol, to, source] = [0, view.getUint8(at + 4), 0, zero, zero];
  eachAttribute(view, at + 12, end, (type, from) => {
    if (type === FRA.priority) priority = view.getUint32(from, true);
    else if (type === FRA.table) table = view.getUint32(from, true);
    else if (type === FRA.protocol) protocol = view.getUint8(from);
    else if (type === FRA.dst) to = ipAt(view, from, family);
    else if (type === FRA.src) source = ipAt(view, from, family);
  });
  const prefix = (ip: Ip, length: number) => (length > 0 ? { ip, length } : undefined);
  return { family, priority, table, protocol, to: prefix(to, toLength), from: prefix(source, fromLength) };
}
