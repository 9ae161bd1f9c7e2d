// Kernel objects as TypeScript sees them, and the changes that can be made to them. Encoded and decoded beside this file.
import type { Cidr } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";

export type Link = {
  readonly index: number;
  readonly name: string;
  /** IFLA_INFO_KIND: "veth", "bridge", …; "" for physical and loopback. */
  readonly kind: string;
  readonly mtu: number;
  /** IFF_UP. */
  readonly up: boolean;
  /** Six bytes as `02:00:…`; "" where there is none. */
  readonly mac: string;
  /** ifindex of the peer (veth) or lower device; 0 where there is none. */
  readonly peerIndex: number;
  /** IFLA_OPERSTATE is IF_OPER_UP: what is sent goes out. A link that is `up` drops it until its carrier has been seen. */
  readonly operational: boolean;
};

export type InterfaceAddress = {
  readonly index: number;
  readonly ip: Ip;
  readonly length: number;
  /** IFA_LABEL (IPv4 only). */
  readonly label: string;
  /** rt_scope: 0 universe, 253 link, 254 host. */
  readonly scope: number;
  readonly flags: number;
};

/** `throw` ends the search of this table, as if it held no route: the next rule is asked. */
export type RouteType =
  | "unicast"
  | "local"
  | "broadcast"
  | "multicast"
  | "unreachable"
  | "blackhole"
  | "prohibit"
  | "throw"
  | "other";

export type NextHop = {
  /** Gateway; `undefined`: on-link through `index`. */
  readonly via: Ip | undefined;
  readonly index: number;
  /** 1 to 256. */
  readonly weight: number;
  /** RTNH_F_ONLINK: the gateway need not be covered by an address of the device. */
  readonly onlink: boolean;
};

/** By destination alone: routes that choose by source or tos are not seen, they are never ours. */
export type Route = {
  readonly dst: Cidr;
  readonly table: number;
  /** rtm_protocol: 2 kernel, 3 boot, 4 static, 12 bird, ROMANA_PROTOCOL ours. */
  readonly protocol: number;
  readonly type: RouteType;
  /** rt_scope: 0 universe, 253 link. */
  readonly scope: number;
  /** RTA_PRIORITY; 0 where none (IPv6 default is 1024). */
  readonly metric: number;
  /** Empty for routes without a next hop (unreachable, …). */
  readonly nextHops: readonly NextHop[];
  /** RTA_PREFSRC. */
  readonly source: Ip | undefined;
  /** It has an MTU, a window, an encapsulation, … of its own, which are read no further: routes of ours have none. */
  readonly isTuned?: true;
};

/** Sends every packet to a table. Rules that choose packets (by source, mark, interface, …) are not seen: they are never ours. */
export type Rule = {
  readonly family: Family;
  readonly priority: number;
  readonly table: number;
  readonly protocol: number;
};

/** What marks a route or rule as ours (rtm_protocol and FRA_PROTOCOL); 82 is "R" and free in iproute2's rt_protos. */
export const ROMANA_PROTOCOL = 82;

export type Change =
  | { readonly kind: "route-replace" | "route-add" | "route-delete"; readonly route: Route }
  | { readonly kind: "rule-add" | "rule-delete"; readonly rule: Rule }
  | {
      readonly kind: "address-add";
      readonly address: Pick<InterfaceAddress, "index" | "ip" | "length" | "label"> & {
        readonly flags?: number;
        readonly scope?: number;
      };
    }
  | {
      readonly kind: "neighbour-replace";
      readonly index: number;
      readonly ip: Ip;
      readonly mac: string;
      readonly permanent: boolean;
    }
  | { readonly kind: "link-up"; readonly index: number }
  /** Moves a link, found by its name, into a group of links (IFLA_GROUP, not 0). */
  | { readonly kind: "link-group"; readonly name: string; readonly group: number }
  /** Deletes the links of the group at once: the kernel waits for its readers once, not once a link. ENODEV: there are none. */
  | { readonly kind: "group-delete"; readonly group: number }
  /** The peer stays down: it is made first, and a veth without a peer cannot go up. `peerNetnsFd` is a descriptor of the native helper, from its `openNetns`. Indexes 0: the kernel chooses. */
  | {
      readonly kind: "veth-add";
      readonly name: string;
      readonly index: number;
      readonly mac: string;
      readonly mtu: number;
      readonly peerName: string;
      readonly peerIndex: number;
      readonly peerMac: string;
      readonly peerNetnsFd: number;
    };

export type Notification =
  | { readonly kind: "route"; readonly deleted: boolean; readonly route: Route }
  | { readonly kind: "rule"; readonly deleted: boolean; readonly rule: Rule }
  | { readonly kind: "link"; readonly deleted: boolean; readonly link: Link }
  | { readonly kind: "address"; readonly deleted: boolean; readonly address: InterfaceAddress }
  /** Forwarding of a family was switched, on an interface or on all (`index` -1) or for new ones (-2). */
  | { readonly kind: "forwarding"; readonly family: Family; readonly index: number; readonly on: boolean }
  /** The socket overflowed (ENOBUFS): observe everything again. */
  | { readonly kind: "overrun" };
