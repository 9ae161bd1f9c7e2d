// What goes into and comes out of address management: requests, answers, and the writes that make an answer true.
// Holds no behaviour. An answer is only a plan: it is true once its writes are committed, all or none.
import type { Duration } from "../../base/clock.ts";
import type { Cidr } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";
import type { AdoptionRecord, Reported } from "../model/adoption-record.ts";
import type { Evidence } from "../model/evidence.ts";
import type { Limit } from "../model/limit.ts";
import type { PodRecord } from "../model/pod-record.ts";
import type { Policy, PolicyTenant } from "../model/policy.ts";
import type { Address, Blackout, Block, Host, Reservation } from "../model/records.ts";
import type { Topology } from "../model/topology.ts";

/** One change of one record. `bump-guard` rewrites the network's guard key, so that every plan made before it fails. */
export type Write =
  | { readonly kind: "put-topology"; readonly topology: Topology }
  | { readonly kind: "put-host"; readonly host: Host }
  | { readonly kind: "delete-host"; readonly name: string }
  | { readonly kind: "put-block"; readonly block: Block }
  | { readonly kind: "delete-block"; readonly cidr: Cidr }
  | { readonly kind: "put-address"; readonly address: Address }
  | { readonly kind: "delete-address"; readonly name: string }
  | { readonly kind: "put-blackout"; readonly blackout: Blackout }
  | { readonly kind: "delete-blackout"; readonly cidr: Cidr }
  | { readonly kind: "put-evidence"; readonly evidence: Evidence }
  | { readonly kind: "delete-evidence"; readonly host: string }
  | { readonly kind: "put-adoption"; readonly adoption: AdoptionRecord }
  | { readonly kind: "put-reported"; readonly reported: Reported }
  | { readonly kind: "delete-reported"; readonly host: string }
  | { readonly kind: "put-reservation"; readonly reservation: Reservation }
  | { readonly kind: "delete-reservation"; readonly cidr: Cidr }
  | { readonly kind: "put-limit"; readonly limit: Limit }
  | { readonly kind: "delete-limit"; readonly tenant: string }
  | { readonly kind: "put-policy"; readonly policy: Policy }
  | { readonly kind: "delete-policy"; readonly id: string }
  | { readonly kind: "put-pod"; readonly pod: PodRecord }
  | { readonly kind: "delete-pod"; readonly id: string }
  | { readonly kind: "put-tenant"; readonly tenant: PolicyTenant }
  | { readonly kind: "delete-tenant"; readonly id: string }
  | { readonly kind: "bump-guard"; readonly network: string };

/**
 * Writes that belong together. The transaction compares the revision (or absence) of every record that it writes, and of
 * the guard key of each network in `guards`, all as of the state that the plan was made from.
 */
export type Plan = { readonly writes: readonly Write[]; readonly guards: readonly string[] };

export type AllocateRequest = {
  /** Identifies the holder for life: the same (name, host, tenant, segment) gets the same address again. */
  readonly name: string;
  readonly host: string;
  readonly tenant: string;
  /** "" where the pod has none. */
  readonly segment: string;
  /** Wanted addresses, at most one a family; a family that is not named is chosen. */
  readonly ips?: readonly Ip[];
  /** None but these. */
  readonly networks?: readonly string[];
  /** "namespace/pod": who an address may be kept for, besides `name`. */
  readonly pod?: string;
};

export type AllocateOptions = {
  /** Wall time, milliseconds. Also, in microseconds, the floor of the sequence number. */
  readonly now: number;
  /** A non-negative integer, different for each daemon: where in a group the search for a new block starts. */
  readonly offsetSeed: number;
  /** How long a freed address rests while others are free. */
  readonly cooldown: Duration;
  readonly preference?: Preference;
};

/** Which of the blocks that an asker has are filled. None: whichever has been there longest. */
export type Preference = {
  /** They come first; by canonical CIDR text. */
  readonly isPreferred: (block: string) => boolean;
  /** The others only come when there is no new block either. */
  readonly avoidsOthers: boolean;
};

export type Place = { readonly network: string; readonly group: string };
/** `drained`: its network gives no more. */
export type Tried = Place & { readonly drained: boolean };

export type Refusal =
  /** The name is alive with another host, tenant, segment or wanted address. */
  | { readonly kind: "name-taken"; readonly holder: Address }
  | { readonly kind: "unknown-host"; readonly host: string }
  | { readonly kind: "host-in-no-group"; readonly host: string }
  /** No network that the host has a group in is open to the tenant. */
  /** `networks`: those that were asked for. */
  | { readonly kind: "no-network"; readonly tenant: string; readonly networks?: readonly string[] }
  /** No address of `family` is left. `network` and `group` are the last of `tried`. */
  | ({
      readonly kind: "exhausted";
      readonly family: Family;
      readonly tenant: string;
      readonly tried: readonly Tried[];
    } & Place)
  /** The tenant has `used` of `most` in `network`, or (undefined) in all networks. */
  | {
      readonly kind: "limit-reached";
      readonly tenant: string;
      readonly network: string | undefined;
      readonly most: number;
      readonly used: number;
    }
  /** In use by `holder`, or (`holder` undefined) inside a block of another host, tenant or segment. */
  | {
      readonly kind: "ip-taken";
      readonly ip: Ip;
      readonly holder: string | undefined;
      readonly block: Cidr;
    }
  /** Not inside any of the prefixes that the host may use for this tenant (`allowed`), or a second address of its family. */
  | { readonly kind: "ip-outside"; readonly ip: Ip; readonly allowed: readonly Cidr[] }
  /** A removed host had it or its block, which nobody else gets before `until` (wall milliseconds). */
  | { readonly kind: "ip-quarantined"; readonly ip: Ip; readonly host: string; readonly until: number }
  /** In a blackout. */
  | { readonly kind: "ip-reserved"; readonly ip: Ip }
  /** Reserved for `holder`, who is not the asker. */
  | { readonly kind: "ip-kept"; readonly ip: Ip; readonly holder: string }
  /** What is reserved for the asker lies where this host or tenant can have nothing; `place` undefined: in no group. */
  | {
      readonly kind: "kept-elsewhere";
      readonly ip: Ip;
      readonly host: string;
      readonly place: Place | undefined;
    };

export type Allocation =
  | ({ readonly kind: "allocated"; readonly address: Address } & Plan)
  /** A retry: the holder has it already, nothing to write. */
  | { readonly kind: "existing"; readonly address: Address }
  | Refusal;

/** By name or by address. `sequence` and `host`, where given, must be those of the allocation. */
export type ReleaseRequest = ({ readonly name: string } | { readonly ip: Ip }) & {
  readonly sequence?: number;
  readonly host?: string;
};

export type Release =
  | ({ readonly kind: "released"; readonly address: Address } & Plan)
  | { readonly kind: "not-found" }
  /** A late or repeated release: the name was allocated again since. Frees nothing. */
  | { readonly kind: "stale"; readonly sequence: number }
  /** The asker's host is not the holder's. Frees nothing. */
  | { readonly kind: "foreign"; readonly holder: Address };

/** Something in use that stands against a change, or evidence that contradicts what is stored. */
export type Conflict = { readonly name: string; readonly ip: string; readonly reason: string };

export type Change =
  | ({ readonly kind: "applied" } & Plan)
  | { readonly kind: "conflict"; readonly conflicts: readonly Conflict[] };
