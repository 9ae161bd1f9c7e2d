// Numbers of rtnetlink: linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/neighbour.h, linux/fib_rules.h.
export const NLM_F = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  dumpInterrupted: 0x10,
  dump: 0x300,
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  capped: 0x100,
  ackTlvs: 0x200,
} as const;
export const NLMSG = { error: 2, done: 3, overrun: 4 } as const;
export const RTM = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  newRule: 32,
  delRule: 33,
  getRule: 34,
} as const;
export const IFLA = {
  address: 1,
  ifname: 3,
  mtu: 4,
  link: 5,
  master: 10,
  linkinfo: 18,
  ifalias: 20,
  group: 27,
  netNsFd: 28,
} as const;
export const IFLA_INFO = { kind: 1, data: 2 } as const;
export const VETH_INFO_PEER = 1;
export const IFA = { address: 1, local: 2, label: 3, flags: 8 } as const;
export const RTA = {
  dst: 1,
  oif: 4,
  gateway: 5,
  priority: 6,
  prefsrc: 7,
  multipath: 9,
  table: 15,
  via: 18,
} as const;
export const NDA = { dst: 1, lladdr: 2 } as const;
export const FRA = { dst: 1, src: 2, priority: 6, table: 15, protocol: 21 } as const;
export const AF = { 4: 2, 6: 10 } as const;
export const IFF_UP = 1;
export const RTNH_F_ONLINK = 4;
export const NUD = { reachable: 0x02, permanent: 0x80 } as const;
export const FR_ACT_TO_TBL = 1;
export const NLMSGERR_ATTR_MSG = 1;
/** Bit masks of the classic multicast groups: link, IPv4 and IPv6 address, IPv4 and IPv6 route, IPv4 and IPv6 rule. */
export const RTMGRP_ALL = 0x1 | 0x10 | 0x100 | 0x40 | 0x400 | 0x80 | (1 << 18);
/** rtm_type by name. */
export const ROUTE_TYPES = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;
