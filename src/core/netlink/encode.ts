// Changes and dump requests as rtnetlink messages. Sources: rtnetlink(7), linux/rtnetlink.h.
import type { Family, Ip } from "../net/ip.ts";
import {
  AF,
  FR_ACT_TO_TBL,
  FRA,
  IFA,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  NDA,
  NLM_F,
  NUD,
  ROUTE_TYPES,
  RTA,
  RTM,
  RTNH_F_ONLINK,
  VETH_INFO_PEER,
} from "./constants.ts";
import type { Change, NextHop, Route, Rule } from "./types.ts";
import type { Writer } from "./writer.ts";

type Of<Kind extends Change["kind"]> = Extract<Change, { readonly kind: Kind }>;
const CREATE = NLM_F.request | NLM_F.create;

/** Appends one message; `flags` is NLM_F.ack or 0. */
export function encodeChange(w: Writer, change: Change, sequence: number, flags: number): void {
  switch (change.kind) {
    case "route-replace":
      return encodeRoute(w, RTM.newRoute, CREATE | NLM_F.replace | flags, sequence, change.route);
    case "route-add":
      return encodeRoute(w, RTM.newRoute, CREATE | NLM_F.excl | flags, sequence, change.route);
    case "route-delete":
      return encodeRoute(w, RTM.delRoute, NLM_F.request | flags, sequence, change.route);
    case "rule-add":
      return encodeRule(w, RTM.newRule, CREATE | NLM_F.excl | flags, sequence, change.rule);
    case "rule-delete":
      return encodeRule(w, RTM.delRule, NLM_F.request | flags, sequence, change.rule);
    case "address-add":
      return encodeAddress(w, change, flags, sequence);
    case "neighbour-replace":
      return encodeNeighbour(w, change, flags, sequence);
    case "link-up":
      return w.message(RTM.newLink, NLM_F.request | flags, sequence, () => {
        ifinfo(w, change.index, IFF_UP, IFF_UP);
      });
    case "link-group":
      return w.message(RTM.setLink, NLM_F.request | flags, sequence, () => {
        ifinfo(w, 0, 0, 0);
        w.attributeText(IFLA.ifname, change.name);
        w.attributeU32(IFLA.group, change.group);
      });
    case "group-delete":
      return w.message(RTM.delLink, NLM_F.request | flags, sequence, () => {
        ifinfo(w, 0, 0, 0);
        w.attributeU32(IFLA.group, change.group);
      });
    case "veth-add":
      return encodeVeth(w, change, flags, sequence);
  }
}

export type Dump =
  | { readonly kind: "links" | "addresses" }
  /** Of one index. */
  | { readonly kind: "link"; readonly index: number }
  | { readonly kind: "rules"; readonly family: Family }
  | { readonly kind: "routes"; readonly family: Family; readonly table: number | undefined };

/** A request for objects, ended by "done" or an acknowledgement; the kernel filters (NETLINK_GET_STRICT_CHK is set). */
export function encodeDump(w: Writer, dump: Dump, sequence: number): void {
  const flags = NLM_F.request | NLM_F.dump;
  switch (dump.kind) {
    case "links":
      return w.message(RTM.getLink, flags, sequence, () => {
        ifinfo(w, 0, 0, 0);
      });
    case "link":
      return w.message(RTM.getLink, NLM_F.request | NLM_F.ack, sequence, () => {
        ifinfo(w, dump.index, 0, 0);
      });
    case "addresses":
      return w.message(RTM.getAddress, flags, sequence, () => {
        zeros(w, 8);
      });
    case "rules":
      return w.message(RTM.getRule, flags, sequence, () => {
        w.u8(AF[dump.family]);
        zeros(w, 11);
      });
    case "routes":
      return w.message(RTM.getRoute, flags, sequence, () => {
        w.u8(AF[dump.family]);
        zeros(w, 11);
        if (dump.table !== undefined) w.attributeU32(RTA.table, dump.table);
      });
  }
}

function zeros(w: Writer, n: number): void {
  for (let i = 0; i < n; i++) w.u8(0);
}

/** Tables beyond 255 do not fit rtm_table: RTA_TABLE carries them, and rtm_table says 252 (compat). */
const shortTable = (table: number): number => (table > 255 ? 252 : table);

function encodeRoute(w: Writer, type: number, flags: number, sequence: number, route: Route): void {
  const { dst, nextHops } = route;
  w.message(type, flags, sequence, () => {
    w.u8(AF[dst.ip.family]);
    w.u8(dst.length);
    w.u8(0); // source length
    w.u8(0); // tos
    w.u8(shortTable(route.table));
    w.u8(route.protocol);
    w.u8(route.scope);
    w.u8(route.type === "other" ? 0 : ROUTE_TYPES[route.type]);
    const [only] = nextHops;
    w.u32(nextHops.length === 1 && only?.onlink ? RTNH_F_ONLINK : 0);
    if (dst.length > 0) w.attributeIp(RTA.dst, dst.ip);
    if (route.table > 255) w.attributeU32(RTA.table, route.table);
    if (route.metric > 0) w.attributeU32(RTA.priority, route.metric);
    if (route.source) w.attributeIp(RTA.prefsrc, route.source);
    if (nextHops.length > 1)
      w.attribute(RTA.multipath, () => {
        for (const hop of nextHops) encodeHop(w, hop, dst.ip.family);
      });
    else if (only) {
      if (only.via) encodeGateway(w, only.via, dst.ip.family);
      if (only.index > 0) w.attributeU32(RTA.oif, only.index);
    }
  });
}

/** `struct rtnexthop` and its gateway. */
function encodeHop(w: Writer, hop: NextHop, family: Family): void {
  const start = w.size();
  w.u16(0);
  w.u8(hop.onlink ? RTNH_F_ONLINK : 0);
  w.u8(hop.weight - 1);
  w.u32(hop.index);
  if (hop.via) encodeGateway(w, hop.via, family);
  w.patchLength(start);
}

/** RTA_VIA where the gateway is of the other family (IPv4 via IPv6). */
function encodeGateway(w: Writer, via: Ip, family: Family): void {
  if (via.family === family) return w.attributeIp(RTA.gateway, via);
  w.attribute(RTA.via, () => {
    w.u16(AF[via.family]);
    w.ip(via);
  });
}

function encodeRule(w: Writer, type: number, flags: number, sequence: number, rule: Rule): void {
  w.message(type, flags, sequence, () => {
    w.u8(AF[rule.family]);
    zeros(w, 3); // lengths of destination and source, tos
    w.u8(shortTable(rule.table));
    w.u8(0);
    w.u8(0);
    w.u8(FR_ACT_TO_TBL);
    w.u32(0);
    w.attributeU32(FRA.priority, rule.priority);
    w.attributeU32(FRA.table, rule.table);
    w.attributeU8(FRA.protocol, rule.protocol);
  });
}

function encodeAddress(w: Writer, { address }: Of<"address-add">, flags: number, sequence: number): void {
  w.message(RTM.newAddress, CREATE | NLM_F.excl | flags, sequence, () => {
    w.u8(AF[address.ip.family]);
    w.u8(address.length);
    w.u8(0);
    w.u8(address.scope ?? 0);
    w.u32(address.index);
    w.attributeIp(IFA.local, address.ip);
    w.attributeIp(IFA.address, address.ip);
    if (address.label !== "" && address.ip.family === 4) w.attributeText(IFA.label, address.label);
    if (address.flags !== undefined && address.flags !== 0) w.attributeU32(IFA.flags, address.flags);
  });
}

function encodeNeighbour(
  w: Writer,
  { index, ip, mac, permanent }: Of<"neighbour-replace">,
  flags: number,
  sequence: number,
): void {
  w.message(RTM.newNeighbour, CREATE | NLM_F.replace | flags, sequence, () => {
    w.u8(AF[ip.family]);
    zeros(w, 3);
    w.u32(index);
    w.u16(permanent ? NUD.permanent : NUD.reachable);
    w.u8(0);
    w.u8(0);
    w.attributeIp(NDA.dst, ip);
    w.attributeBytes(NDA.lladdr, macBytes(mac));
  });
}

const macBytes = (mac: string): number[] => mac.split(":").map((part) => parseInt(part, 16));

/** `struct ifinfomsg`. */
function ifinfo(w: Writer, index: number, flags: number, change: number): void {
  w.u8(0);
  w.u8(0);
  w.u16(0);
  w.u32(index);
  w.u32(flags);
  w.u32(change);
}

function encodeVeth(w: Writer, veth: Of<"veth-add">, flags: number, sequence: number): void {
  w.message(RTM.newLink, CREATE | NLM_F.excl | flags, sequence, () => {
    ifinfo(w, veth.index, IFF_UP, IFF_UP);
    encodeEnd(w, veth.name, veth.mac, veth.mtu);
    w.attribute(IFLA.linkinfo, () => {
      w.attributeText(IFLA_INFO.kind, "veth");
      w.attribute(IFLA_INFO.data, () => {
        w.attribute(VETH_INFO_PEER, () => {
          ifinfo(w, veth.peerIndex, 0, 0);
          encodeEnd(w, veth.peerName, veth.peerMac, veth.mtu);
          w.attributeU32(IFLA.netNsFd, veth.peerNetnsFd);
        });
      });
    });
  });
}

/** One queue each way, which is what a veth has anyhow: not told so, it is made with one a processor and then waits until they are gone. */
function encodeEnd(w: Writer, name: string, mac: string, mtu: number): void {
  w.attributeText(IFLA.ifname, name);
  w.attributeU32(IFLA.mtu, mtu);
  w.attributeBytes(IFLA.address, macBytes(mac));
  w.attributeU32(IFLA.txQueues, 1);
  w.attributeU32(IFLA.rxQueues, 1);
}
