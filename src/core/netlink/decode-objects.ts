// Links, addresses and rules out of their messages. Attributes that we do not know are passed over.
import { bitsOf, type Ip } from "../net/ip.ts";
import { eachAttribute, familyOf, ipAt, macAt, need, textAt, u32At, u8At } from "./attributes.ts";
import {
  FIB_RULE_INVERT,
  FR_ACT_TO_TBL,
  FRA,
  IFA,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  IF_OPER_UP,
  NETCONFA,
  SUPPRESS_NONE,
} from "./constants.ts";
import type { InterfaceAddress, Link, Notification, Rule } from "./types.ts";

const [IFINFOMSG, IFADDRMSG, FIB_RULE_HDR, NETCONFMSG] = [16, 8, 12, 4];
/** Offsets in `struct fib_rule_hdr` of the lengths of destination and source, and of tos. */
const RULE_SELECTORS = [1, 2, 3];
type Forwarding = Extract<Notification, { kind: "forwarding" }>;

/** `struct ifinfomsg`. */
export function decodeLink(view: DataView, at: number, end: number): Link {
  need(at, IFINFOMSG, end);
  const link = {
    index: view.getUint32(at + 4, true),
    name: "",
    kind: "",
    mtu: 0,
    up: (view.getUint32(at + 8, true) & IFF_UP) !== 0,
    mac: "",
    peerIndex: 0,
    operational: false,
  };
  eachAttribute(view, at + IFINFOMSG, end, (type, from, to) => {
    if (type === IFLA.ifname) link.name = textAt(view, from, to);
    else if (type === IFLA.mtu) link.mtu = u32At(view, from, to);
    else if (type === IFLA.address) link.mac = macAt(view, from, to);
    else if (type === IFLA.link) link.peerIndex = u32At(view, from, to);
    else if (type === IFLA.operstate) link.operational = u8At(view, from, to) === IF_OPER_UP;
    else if (type === IFLA.linkinfo)
      eachAttribute(view, from, to, (info, start, stop) => {
        if (info === IFLA_INFO.kind) link.kind = textAt(view, start, stop);
      });
  });
  return link;
}

/** `struct ifaddrmsg`. IFA_LOCAL is the interface's own address where both are there. `undefined`: of another family. */
export function decodeAddress(view: DataView, at: number, end: number): InterfaceAddress | undefined {
  need(at, IFADDRMSG, end);
  const family = familyOf(view.getUint8(at));
  if (!family) return undefined;
  let local: Ip | undefined;
  let ip: Ip | undefined;
  let [label, flags] = ["", view.getUint8(at + 2)];
  eachAttribute(view, at + IFADDRMSG, end, (type, from, to) => {
    if (type === IFA.local) local = ipAt(view, from, to, family);
    else if (type === IFA.address) ip = ipAt(view, from, to, family);
    else if (type === IFA.label) label = textAt(view, from, to);
    else if (type === IFA.flags) flags = u32At(view, from, to);
  });
  const own = local ?? ip;
  const length = view.getUint8(at + 1);
  if (!own || length > bitsOf(family)) throw new RangeError("no address, or a prefix beyond its bits");
  const [index, scope] = [view.getUint32(at + 4, true), view.getUint8(at + 3)];
  return { index, ip: own, length, label, scope, flags };
}

/** `struct fib_rule_hdr`. `undefined`: of another family, or a rule that does not send every packet to a table. */
export function decodeRule(view: DataView, at: number, end: number): Rule | undefined {
  need(at, FIB_RULE_HDR, end);
  const family = familyOf(view.getUint8(at));
  if (!family) return undefined;
  let chooses =
    view.getUint8(at + 7) !== FR_ACT_TO_TBL || (view.getUint32(at + 8, true) & FIB_RULE_INVERT) !== 0;
  for (const field of RULE_SELECTORS) chooses ||= view.getUint8(at + field) !== 0;
  const rule = { family, priority: 0, table: view.getUint8(at + 4), protocol: 0 };
  eachAttribute(view, at + FIB_RULE_HDR, end, (type, from, stop) => {
    if (type === FRA.priority) rule.priority = u32At(view, from, stop);
    else if (type === FRA.table) rule.table = u32At(view, from, stop);
    else if (type === FRA.protocol) rule.protocol = u8At(view, from, stop);
    else if (type !== FRA.suppressLength || u32At(view, from, stop) !== SUPPRESS_NONE) chooses = true;
  });
  return chooses ? undefined : rule;
}

/** `struct netconfmsg`: one byte of family, padded. `undefined`: of another family, or not about forwarding. */
export function decodeForwarding(view: DataView, at: number, end: number): Forwarding | undefined {
  need(at, NETCONFMSG, end);
  const family = familyOf(view.getUint8(at));
  if (!family) return undefined;
  let index = 0;
  let on: boolean | undefined;
  eachAttribute(view, at + NETCONFMSG, end, (type, from, to) => {
    if (type === NETCONFA.index) index = u32At(view, from, to) | 0;
    else if (type === NETCONFA.forwarding) on = u32At(view, from, to) !== 0;
  });
  return on === undefined ? undefined : { kind: "forwarding", family, index, on };
}
