// The part of nftables that we use, as a tree: one table with sets, maps of verdicts, and chains. Rendered, encoded and planned
// beside this file; made by core/desired.
import type { Cidr } from "../net/cidr.ts";
import type { Family } from "../net/ip.ts";
import type { PortProtocol } from "../model/policy.ts";

/** Everything in the table `inet romana`. By name. */
export type Ruleset = {
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, NftChain>;
};

export const TABLE = "romana";

/** nft's names of the types of keys. */
export type KeyType = "ifname" | "ipv4_addr" | "ipv6_addr" | "inet_service";
/** What is looked up: a field of the packet. Of these some make a key. */
export type KeyField =
  "iifname" | "ip saddr" | "ip daddr" | "ip6 saddr" | "ip6 daddr" | `${PortProtocol} dport`;
/** An interface's name, a port, or addresses; more than one address only in a set of intervals. */
export type KeyValue = string | number | Cidr;

/** A set, or a map from keys to chains. */
export type NftSet = {
  readonly name: string;
  /** For people; "" for none. */
  readonly comment: string;
  readonly key: readonly KeyType[];
  /** Elements are prefixes, disjoint. Only with a key of one part. */
  readonly interval: boolean;
  readonly isMap: boolean;
  /** By `elementText` of the key. */
  readonly elements: ReadonlyMap<string, Element>;
};
export type Element = {
  readonly key: readonly KeyValue[];
  /** The chain that a map leads to; `undefined` in a set. */
  readonly chain: string | undefined;
};

export type NftChain = {
  readonly name: string;
  readonly comment: string;
  /** `undefined`: reached from other chains only. A base chain accepts what its rules leave undecided. */
  readonly hook: Hook | undefined;
  readonly rules: readonly NftRule[];
};
export type HookName = "prerouting" | "input" | "forward" | "output" | "postrouting";
export type Hook = {
  readonly type: "filter" | "nat";
  readonly name: HookName;
  readonly priority: number;
};

export type NftRule = {
  /** All must hold. */
  readonly matches: readonly Match[];
  /** Counts packets and bytes that come to the verdict. */
  readonly counter: boolean;
  readonly verdict: Verdict;
  readonly comment: string;
};
export type Verdict =
  | { readonly kind: "accept" | "drop" }
  /** The flow gets the address of the interface that it leaves by, and a port by chance. Only in a chain of type nat at postrouting. */
  | { readonly kind: "masquerade" }
  /** Tells who listens to `group` of nflog of the packet, so many times a second at most, and goes on to the next rule. */
  | {
      readonly kind: "log";
      readonly group: number;
      readonly prefix: string;
      readonly perSecond: number;
      readonly burst: number;
    }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  /** Goes where the map says; on to the next rule where it says nothing. */
  | { readonly kind: "map"; readonly fields: readonly KeyField[]; readonly map: string };

export type Match =
  /** `isOutside`: it is not in the set. */
  | {
      readonly kind: "lookup";
      readonly fields: readonly KeyField[];
      readonly set: string;
      readonly isOutside?: true;
    }
  | { readonly kind: "source"; readonly cidr: Cidr }
  /** Destination ports, both ends included. */
  | {
      readonly kind: "ports";
      readonly protocol: PortProtocol;
      readonly first: number;
      readonly last: number;
    }
  /** `types`: from and to, both included. */
  | {
      readonly kind: "icmp";
      readonly family: Family;
      readonly types?: readonly [number, number];
      readonly code?: number;
    }
  /** `*` at the end stands for the rest of a name. */
  | { readonly kind: "interface"; readonly direction: "in" | "out"; readonly name: string }
  /** Packets of a flow that was let through before, and errors that belong to one. */
  | { readonly kind: "known-flow" }
  /** The destination is an address of this host. */
  | { readonly kind: "to-this-host" };
