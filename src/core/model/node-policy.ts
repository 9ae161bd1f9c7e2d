// Policy as one node enforces it: selectors resolved to named sets of addresses, named ports to numbers. Made by the daemon
// (core/policy), sent to the agent whole once and then as deltas, rendered by the agent. Names are stable: see docs/design/policy.md.
import type { Cidr } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";
import type { Action, Direction, PortProtocol } from "./policy.ts";

export type NodePolicy = {
  readonly host: NodeHost;
  /** The pods of this node by id, selected or not, before they have an address too: so that rules are there in time. */
  readonly pods: ReadonlyMap<string, NodePod>;
  /** By name: those that the host or a pod names. */
  readonly chains: ReadonlyMap<string, NodeChain>;
  /** By name: those that a chain names. */
  readonly sets: ReadonlyMap<string, NodeSet>;
};

/** In each direction the names of chains in the order of evaluation, or `undefined` where no policy selects: then all is open. */
export type Isolation = {
  readonly ingress: readonly string[] | undefined;
  readonly egress: readonly string[] | undefined;
};
export type NodeHost = Isolation & { readonly name: string; readonly ips: readonly Ip[] };
export type NodePod = Isolation & { readonly id: string; readonly ips: readonly Ip[] };

/** The rules of one policy. Pods whose ports of one name differ in number have different chains of one policy. */
export type NodeChain = {
  /** `policy-…`: made of the policy's id and the numbers, so it stays while rules change. */
  readonly name: string;
  /** Id of the policy. */
  readonly policy: string;
  readonly direction: Direction;
  readonly rules: readonly NodeRule[];
};

export type NodeRule = {
  /** Index in the policy's rules; several of these may come from one. */
  readonly rule: number;
  readonly action: Action;
  readonly match: NodeMatch;
};
export type NodeMatch =
  /** The peer's address is in one of the sets and the packet is one of `traffic`. */
  | {
      readonly kind: "peers";
      readonly peers: "any" | readonly string[];
      readonly traffic: "any" | readonly NodeTraffic[];
    }
  /** The peer's address and the destination port, as a pair, are in the set (egress only). */
  | { readonly kind: "endpoints"; readonly protocol: PortProtocol; readonly set: string };

export type NodeTraffic =
  | { readonly kind: "ports"; readonly protocol: PortProtocol; readonly ranges: readonly PortRange[] }
  | { readonly kind: "icmp"; readonly family: Family; readonly type?: number; readonly code?: number };
/** Ascending, disjoint, not adjacent where there are several. Both ends included. */
export type PortRange = { readonly first: number; readonly last: number };

export type NodeSet = {
  /** Made of what is meant, not of who is in it: `pods-…`, `cidrs-…`, `endpoints-…`, `local`, `hosts`. */
  readonly name: string;
  /** What is meant, for people: "pods of shop with app=web". */
  readonly about: string;
  /** "addresses": prefixes; "endpoints": addresses with a port each. */
  readonly kind: "addresses" | "endpoints";
  /** By `elementKey`. Disjoint. Both families. */
  readonly elements: ReadonlyMap<string, SetElement>;
};
export type SetElement = { readonly cidr: Cidr; readonly port?: number };

/** What to change, in any order; nothing where a list is empty. */
export type NodeDelta = {
  readonly host: NodeHost | undefined;
  readonly pods: Changes<NodePod>;
  readonly chains: Changes<NodeChain>;
  readonly sets: Changes<NodeSet>;
  readonly elements: readonly SetChange[];
};
export type Changes<T> = { readonly put: readonly T[]; readonly delete: readonly string[] };
/** Of a set that is there before and after. */
export type SetChange = {
  readonly name: string;
  readonly added: readonly SetElement[];
  readonly removed: readonly SetElement[];
};
