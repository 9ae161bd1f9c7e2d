// Numbers of nf_tables: linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h, and those that libnftnl and nft give to types of
// keys and to comments (udata.h, datatype.h). Numbers inside attributes are in the byte order of the network.
import type { HookName, KeyType } from "./types.ts";

export const NETLINK_NETFILTER = 12;
export const SUBSYSTEM = 10;
/** Bytes of `struct nfgenmsg`. */
export const NFGENMSG = 4;
/** Changes of all tables, as a bit of multicast groups: NFNLGRP_NFTABLES is the seventh. */
export const CHANGES_GROUP = 1 << 6;
export const BATCH = { begin: 0x10, end: 0x11 } as const;
export const NFPROTO = { inet: 1, 4: 2, 6: 10 } as const;
export const MSG = {
  newTable: 0,
  delTable: 2,
  newChain: 3,
  delChain: 5,
  newRule: 6,
  delRule: 8,
  newSet: 9,
  delSet: 11,
  newElement: 12,
  delElement: 14,
  newGeneration: 15,
} as const;
export const COUNTER_ATTR = { packets: 2 } as const;
export const TABLE_ATTR = { name: 1, userdata: 6 } as const;
export const CHAIN_ATTR = { table: 1, name: 3, hook: 4, policy: 5, type: 7, userdata: 12 } as const;
export const HOOK_ATTR = { number: 1, priority: 2 } as const;
export const HOOKS: Readonly<Record<HookName, number>> = {
  ...{ prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 },
};
export const RULE_ATTR = { table: 1, chain: 2, expressions: 4, userdata: 7 } as const;
export const SET_ATTR = {
  ...{ table: 1, name: 2, flags: 3, keyType: 4, keyLength: 5, dataType: 6, dataLength: 7 },
  ...{ id: 10, userdata: 13 },
} as const;
export const SET_FLAG = { interval: 4, map: 8 } as const;
export const LIST_ATTR = { table: 1, set: 2, elements: 3 } as const;
export const ELEMENT_ATTR = { key: 1, data: 2, flags: 3 } as const;
export const INTERVAL_END = 1;
/** NFTA_LIST_ELEM, NFTA_DATA_VALUE and NFTA_EXPR_NAME. */
export const [LIST_ELEMENT, DATA_VALUE, DATA_VERDICT] = [1, 1, 2] as const;
export const EXPRESSION_ATTR = { name: 1, data: 2 } as const;
export const VERDICT_ATTR = { code: 1, chain: 2 } as const;
export const VERDICTS = { drop: 0, accept: 1, jump: -3, goto: -4 } as const;
/** NFT_DATA_VERDICT. */
export const DATA_TYPE_VERDICT = 0xffffff00;
export const KEY_TYPES: Readonly<Record<KeyType, { readonly number: number; readonly bytes: number }>> = {
  ipv4_addr: { number: 7, bytes: 4 },
  ipv6_addr: { number: 8, bytes: 16 },
  inet_service: { number: 13, bytes: 2 },
  ifname: { number: 41, bytes: 16 },
};
/** Types of a comment in the user data of each. */
export const COMMENT = { table: 0, chain: 0, rule: 0, set: 7 } as const;
export const META = { iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
export const PROTOCOL = { tcp: 6, udp: 17, sctp: 132, icmp4: 1, icmp6: 58 } as const;
/** Bits of `ct state`, by the meaning of NF_CT_STATE_BIT. */
export const KNOWN_FLOW = 2 | 4;
export const CMP = { eq: 0, neq: 1, lte: 3, gte: 5 } as const;
export const [NETWORK_HEADER, TRANSPORT_HEADER] = [1, 2] as const;
/** NFT_LOOKUP_F_INV. */
export const LOOKUP_INVERTED = 1;
/** NF_NAT_RANGE_PROTO_RANDOM_FULLY: two processors that choose a port at once would else choose the same, and one packet is lost. */
export const RANDOM_PORT = 16;
/** RTN_LOCAL. */
export const ADDRESS_TYPE_LOCAL = 2;
