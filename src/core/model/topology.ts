// The carved topology: what the operator described, with a prefix for every group.
import type { Cidr } from "../net/cidr.ts";
import type { Routing } from "./routing.ts";

/** One network of the operator: a prefix from which blocks are cut. */
export type Network = {
  readonly name: string;
  readonly cidr: Cidr;
  /** Prefix length of a block; default 29 (IPv4), 125 (IPv6). */
  readonly blockMask: number;
  /** Tenants that may use it; empty: all. */
  readonly tenants: readonly string[];
};

/** A node of the tree: a zone, a rack, … Leaf groups hold hosts; inner groups hold groups. */
export type Group = {
  /** As given; unique among its siblings; "" for the root of a tree. */
  readonly name: string;
  /** Names from the root joined by "/": unique in the tree, and the group's identity for life. "" for the root. */
  readonly path: string;
  /** Node labels that put a host here (all must match). Empty: any host. */
  readonly assignment: Readonly<Record<string, string>>;
  /** `undefined` where the file says nothing: as the group above. */
  readonly routing: Routing | undefined;
  /** The group's carved prefix in each network of its tree, by network name. */
  readonly prefixes: Readonly<Record<string, Cidr>>;
  readonly groups: readonly Group[];
  /** Hosts that the file itself lists (leaf groups only). */
  readonly hosts: readonly ListedHost[];
};

export type ListedHost = { readonly name: string; readonly ips: readonly string[] };

/** One `topologies[]` element: the networks that share a tree. A pod gets an address of each family that the tree's networks have, or none. */
export type Tree = { readonly networks: readonly string[]; readonly root: Group };

export type Topology = { readonly networks: readonly Network[]; readonly trees: readonly Tree[] };
