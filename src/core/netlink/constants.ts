// Numbers of rtnetlink: linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/neighbour.h, linux/fib_rules.h,
// linux/netconf.h.
/** Family of netlink: linux/netlink.h. */
export const NETLINK_ROUTE = 0;
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
  newNetconf: 80,
} as const;
export const IFLA = {
  address: 1,
  ifname: 3,
  mtu: 4,
  link: 5,
  operstate: 16,
  linkinfo: 18,
  group: 27,
  netNsFd: 28,
  txQueues: 31,
  rxQueues: 32,
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
  metrics: 8,
  multipath: 9,
  table: 15,
  via: 18,
  encapType: 21,
} as const;
export const NDA = { dst: 1, lladdr: 2 } as const;
export const FRA = { priority: 6, suppressLength: 14, table: 15, protocol: 21 } as const;
export const NETCONFA = { index: 1, forwarding: 2 } as const;
export const AF = { 4: 2, 6: 10 } as const;
export const IFF_UP = 1;
export const IF_OPER_UP = 6;
export const RTNH_F_ONLINK = 4;
export const NUD = { reachable: 0x02, permanent: 0x80 } as const;
export const FR_ACT_TO_TBL = 1;
export const FIB_RULE_INVERT = 2;
/** FRA_SUPPRESS_PREFIXLEN of a rule that suppresses nothing; the kernel always tells it. */
export const SUPPRESS_NONE = 0xffffffff;
export const NLMSGERR_ATTR_MSG = 1;
/** RTNLGRP_… numbers of what we listen to, as the bits of `sockaddr_nl.nl_groups`. */
const GROUPS = {
  link: 1,
  ip4: 5,
  route4: 7,
  rule4: 8,
  ip6: 9,
  route6: 11,
  rule6: 19,
  netconf4: 24,
  netconf6: 25,
};
export const RTMGRP_ALL = Object.values(GROUPS).reduce((bits, group) => bits | (1 << (group - 1)), 0);
/** rtm_type by name. */
export const ROUTE_TYPES = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;
