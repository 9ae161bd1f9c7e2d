// What the store holds, one record per key under /romana/v3/. A record is a value: changed by making a new one.
import type { Cidr } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";
import type { Slots } from "./slots.ts";

/** A node of the cluster. Key `hosts/<name>`. */
export type Host = {
  readonly name: string;
  /** At most one of each family; the first is the host's main address. These are next hops. */
  readonly ips: readonly Ip[];
  /** Node labels, by which `assignment` chooses the group. */
  readonly tags: Readonly<Record<string, string>>;
  /** Port of the agent's health and metrics; 0 where unknown. */
  readonly agentPort: number;
  /** Kept as given (R3 `k8s_info`). */
  readonly k8sInfo: Readonly<Record<string, unknown>>;
  /** Group path in each tree, in the order of `Topology.trees`; `undefined` where no group of that tree takes this host. Decided when the host joins, kept until it leaves. */
  readonly groups: readonly (string | undefined)[];
};

/** A block: addresses of one (network, host, tenant, segment). Key `blocks/<cidr>`. */
export type Block = {
  readonly cidr: Cidr;
  readonly network: string;
  /** Path of the group whose prefix holds it. */
  readonly group: string;
  readonly host: string;
  readonly tenant: string;
  readonly segment: string;
  /** Greatest sequence number ever given out here. */
  readonly sequence: number;
  readonly slots: Slots;
};

/** What a pod holds: one address per family. Key `addresses/<name>`. */
export type Address = {
  readonly name: string;
  readonly host: string;
  readonly tenant: string;
  readonly segment: string;
  /** A release that carries another number frees nothing. */
  readonly sequence: number;
  readonly ips: readonly { readonly ip: Ip; readonly network: string; readonly block: Cidr }[];
  /** "namespace/pod" where the asker is a Kubernetes pod. */
  readonly pod?: string;
};

/** A reserved range nobody gets an address from. Key `blackouts/<cidr>`. */
export type Blackout = { readonly cidr: Cidr; readonly reason: string };

/**
 * A range kept out of the free choice: its addresses are given only to who asks for them by number or, where `holder` is set (a single
 * address then), to that holder alone, asked for or not. Key `reservations/<cidr>`.
 */
export type Reservation = {
  readonly cidr: Cidr;
  /** The name of an address, or its pod as "namespace/pod". */
  readonly holder?: string;
  readonly reason: string;
};

/** A pod that is alive on a host, as its agent saw it: evidence for adoption and for leak checks. */
export type Endpoint = {
  readonly name: string;
  readonly ips: readonly Ip[];
  readonly tenant: string;
  readonly segment: string;
  readonly sequence: number;
  /** As of `Address`. */
  readonly pod?: string | undefined;
};
