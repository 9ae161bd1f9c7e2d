// Links, addresses and rules out of their messages. Attributes that we do not know are passed over.
import { bitsOf, type Ip } from "../net/ip.ts";
import { eachAttribute, familyOf, ipAt, macAt, need, textAt, u32At, u8At } from "./attributes.ts";
import { FRA, IFA, IFF_UP, IFLA, IFLA_INFO } from "./constants.ts";
import type { InterfaceAddress, Link, Rule } from "./types.ts";

const [IFINFOMSG, IFADDRMSG, FIB_RULE_HDR] = [16, 8, 12];

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
    master: 0,
    alias: "",
  };
  eachAttribute(view, at + IFINFOMSG, end, (type, from, to) => {
    if (type === IFLA.ifname) link.name = textAt(view, from, to);
    else if (type === IFLA.mtu) link.mtu = u32At(view, from, to);
    else if (type === IFLA.address) link.mac = macAt(view, from, to);
    else if (type === IFLA.link) link.peerIndex = u32At(view, from, to);
    else if (type === IFLA.master) link.master = u32At(view, from, to);
    else if (type === IFLA.ifalias) link.alias = textAt(view, from, to);
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

/** `struct fib_rule_hdr`. `undefined`: of another family. */
export function decodeRule(view: DataView, at: number, end: number): Rule | undefined {
  need(at, FIB_RULE_HDR, end);
  const family = familyOf(view.getUint8(at));
  if (!family) return undefined;
  const zero: Ip = { family, value: 0n };
  const [toLength, fromLength] = [view.getUint8(at + 1), view.getUint8(at + 2)];
  if (Math.max(toLength, fromLength) > bitsOf(family)) throw new RangeError("prefix length");
  let [priority, table, protocol, to, source] = [0, view.getUint8(at + 4), 0, zero, zero];
  eachAttribute(view, at + FIB_RULE_HDR, end, (type, from, stop) => {
    if (type === FRA.priority) priority = u32At(view, from, stop);
    else if (type === FRA.table) table = u32At(view, from, stop);
    else if (type === FRA.protocol) protocol = u8At(view, from, stop);
    else if (type === FRA.dst) to = ipAt(view, from, stop, family);
    else if (type === FRA.src) source = ipAt(view, from, stop, family);
  });
  const prefix = (ip: Ip, length: number) => (length > 0 ? { ip, length } : undefined);
  return { family, priority, table, protocol, to: prefix(to, toLength), from: prefix(source, fromLength) };
}
