// Network policy: one model for Romana's own policies and for those translated from Kubernetes, for both families and both
// directions. A policy isolates its subjects in one direction; its rules are what they may do all the same.
import type { Cidr } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";

export type Direction = "ingress" | "egress";
/** Protocols with ports. */
export type PortProtocol = "tcp" | "udp" | "sctp";

/** Key `policies/<id>`. */
export type Policy = {
  /** Unique among all policies, wherever they come from. Policies are read in the order of their ids. */
  readonly id: string;
  /** For people. */
  readonly description: string;
  readonly direction: Direction;
  /** Whom it isolates: any of these. */
  readonly subjects: readonly Subject[];
  /** What is allowed all the same, in order. None: nothing is. */
  readonly rules: readonly Rule[];
};

export type Subject =
  | { readonly kind: "pods"; readonly selector: PodSelector }
  /** Pods with an address inside. */
  | { readonly kind: "cidr"; readonly cidr: Cidr }
  /** Every host, with the pods on its network. */
  | { readonly kind: "hosts" };

/** Matches where one of `peers` and one of `traffic` match: an empty list matches nothing. */
export type Rule = {
  readonly action: Action;
  readonly peers: readonly Peer[];
  readonly traffic: readonly Traffic[];
};
/** Tiers bring `deny` and `pass`: see docs/design/policy.md. */
export type Action = "allow";

export type Peer =
  | { readonly kind: "any" }
  | { readonly kind: "pods"; readonly selector: PodSelector }
  /** Addresses, whoever has them. `except` lies inside `cidr`. */
  | { readonly kind: "cidr"; readonly cidr: Cidr; readonly except: readonly Cidr[] }
  /** Every host. */
  | { readonly kind: "hosts" }
  /** The pods on the subject's host. */
  | { readonly kind: "local" };

export type Traffic =
  | { readonly kind: "any" }
  /** Destination ports from `first` to `last`. */
  | {
      readonly kind: "ports";
      readonly protocol: PortProtocol;
      readonly first: number;
      readonly last: number;
    }
  /** The port that the pod at the destination calls so. */
  | { readonly kind: "named"; readonly protocol: PortProtocol; readonly name: string }
  /** `family` 4 is ICMP, 6 is ICMPv6. Absent `type` or `code`: all. */
  | { readonly kind: "icmp"; readonly family: Family; readonly type?: number; readonly code?: number };

/** Pods on the network of hosts are never meant: they have no address of their own. */
export type PodSelector = {
  readonly tenants: TenantSelector;
  /** All must hold; none: every pod of the tenants. */
  readonly labels: readonly Requirement[];
};
export type TenantSelector =
  | { readonly kind: "named"; readonly name: string }
  /** All must hold of the tenant's labels; none: every tenant. */
  | { readonly kind: "labelled"; readonly labels: readonly Requirement[] };

/** A label requirement with Kubernetes' operators. `values` is ascending without doubles, and empty for Exists and DoesNotExist. */
export type Requirement = {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values: readonly string[];
};

/** R13: a pod's segment is the value of this label. */
export const SEGMENT_LABEL = "romana.io/segment";

export type Labels = Readonly<Record<string, string>>;

/** What policies see of a pod. No two pods hold one address. */
export type PolicyPod = {
  /** "tenant/name" */
  readonly id: string;
  /** Its namespace. */
  readonly tenant: string;
  readonly labels: Labels;
  /** None as long as it has not got any. */
  readonly ips: readonly Ip[];
  /** "" as long as it is not scheduled. */
  readonly host: string;
  /** Its traffic is its host's: no policy selects it. */
  readonly hostNetwork: boolean;
  readonly ports: readonly NamedPort[];
};
export type NamedPort = { readonly name: string; readonly protocol: PortProtocol; readonly port: number };
export type PolicyTenant = { readonly name: string; readonly labels: Labels };
export type PolicyHost = { readonly name: string; readonly ips: readonly Ip[] };
/** Blocks do not overlap. */
export type PolicyBlock = {
  readonly cidr: Cidr;
  readonly host: string;
  readonly tenant: string;
  readonly segment: string;
};
