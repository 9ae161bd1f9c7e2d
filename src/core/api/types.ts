// The REST API's JSON, R1 and R3 of the contract: each schema validates requests, makes the OpenAPI document and is the type.
// Texts here are wire texts: addresses and prefixes in canonical form.
import type { NodeDeltaJson, NodePolicyJson } from "./node-policy.ts";
import {
  anything,
  array,
  boolean,
  integer,
  object,
  oneOf,
  optional,
  orNull,
  record,
  type Static,
  string,
} from "./schema.ts";

/** Visible characters only: no control characters, spaces or lone surrogates; and none that a path cannot end in, as clients and proxies resolve it. */
const nameOf = (most: number) =>
  string({
    minLength: 1,
    maxLength: most,
    pattern: "^(?!\\.\\.?$)[^\\p{C}\\p{Z}]+$",
    description: `a name of 1 to ${most} characters without spaces and control characters, other than . and ..`,
  });
export const Name = nameOf(253);
/** An address holder's name has the container runtime's parts in it: longer than a host's. */
export const HolderName = nameOf(512);
const Segment = string({
  maxLength: 253,
  pattern: "^[^\\p{C}\\p{Z}]*$",
  description: "at most 253 characters without spaces and control characters",
});
export const OneLine = string({
  maxLength: 512,
  pattern: "^[^\\p{C}]*$",
  description: "at most 512 characters without control characters",
});
const IpText = string({ maxLength: 45 });
const Ips = array(IpText, { maxItems: 2, description: "at most one address of each family" });
const Port = integer({ minimum: 0, maximum: 65535 });
const Tags = record(string({ maxLength: 1024 }));
const K8sInfo = record(anything());
const Sequence = integer({ minimum: 0 });
const Count = integer({ minimum: 0 });
export const Text = string();
export const Revision = integer({ minimum: 0 });

export type Fault = Static<typeof Fault>;
const Fault = object({ code: Text, field: Text, expected: Text });

export type ApiError = Static<typeof ApiError>;
export const ApiError = object({
  status_code: integer(),
  details: Text,
  resource_id: optional(Text),
  resource_type: optional(Text),
  code: optional(Text),
  faults: optional(array(Fault)),
});

/** `POST /address`. `name` identifies the holder for life: the same (name, host, tenant, segment) gets the same address again. */
export type AddressRequest = Static<typeof AddressRequest>;
export const AddressRequest = object({
  name: HolderName,
  host: Name,
  tenant: Name,
  segment: optional(Segment),
  /** Wanted addresses (static request), at most one a family. */
  ips: optional(Ips),
  /** From which the addresses are to be; without it, or empty: whichever are open to the tenant. */
  networks: optional(array(Name, { maxItems: 16 })),
  /** "namespace/pod", shown to people. */
  pod: optional(OneLine),
});

/** R3: `id` is the name; `ip` the first of `ips`. */
export type AddressReply = Static<typeof AddressReply>;
export const AddressReply = object({
  id: Text,
  ip: Text,
  ips: array(Text),
  name: Text,
  host: Text,
  tenant: Text,
  segment: Text,
  sequence: Sequence,
  blocks: array(Text),
  networks: array(Text),
  pod: optional(Text),
});
export type AddressList = Static<typeof AddressList>;
export const AddressList = object({ revision: Revision, addresses: array(AddressReply) });

/** `DELETE /address?addressName=<name or IP>[&sequence=n]` */
export type ReleaseReply = Static<typeof ReleaseReply>;
export const ReleaseReply = object({ released: boolean() });

export type NetworkReply = Static<typeof NetworkReply>;
export const NetworkReply = object({
  revision: Revision,
  id: Text,
  name: Text,
  cidr: Text,
  block_mask: integer(),
  tenants: array(Text),
  /** Gives no more addresses. */
  drained: boolean(),
  blocks: Count,
  allocated_ip_count: Count,
});
export const NetworkList = array(NetworkReply);

const blockFields = {
  cidr: Text,
  tenant: Text,
  segment: Text,
  host: Text,
  network: Text,
  group: Text,
};
/** A block as agents see it: no counts, so that an allocation in a known block changes nothing. */
export type BlockView = Static<typeof BlockView>;
export const BlockView = object(blockFields);
export type BlockReply = Static<typeof BlockReply>;
export const BlockReply = object({
  revision: Revision,
  ...blockFields,
  allocated_ip_count: Count,
});
export type BlockList = Static<typeof BlockList>;
export const BlockList = object({ revision: Revision, blocks: array(BlockReply) });

export type HostReply = Static<typeof HostReply>;
export const HostReply = object({
  ip: Text,
  ips: array(Text),
  name: Text,
  agent_port: Port,
  tags: Tags,
  k8s_info: K8sInfo,
  groups: array(orNull(Text)),
});
export type HostList = Static<typeof HostList>;
export const HostList = object({ hosts: array(HostReply), revision: Revision });

/** `POST /hosts`: makes or changes a host. */
export type HostRequest = Static<typeof HostRequest>;
export const HostRequest = object({
  name: Name,
  ip: optional(IpText),
  ips: optional(Ips),
  agent_port: optional(Port),
  tags: optional(Tags),
  k8s_info: optional(K8sInfo),
});

const Usage = { blocks: Count, allocated_ip_count: Count };
export type TenantList = Static<typeof TenantList>;
export const TenantList = object({
  revision: Revision,
  /** `labels`: as they were told, if any were. */
  tenants: array(object({ id: Text, segments: array(Text), ...Usage, labels: optional(Tags) })),
});
export type SegmentList = Static<typeof SegmentList>;
export const SegmentList = object({
  revision: Revision,
  segments: array(object({ id: Text, ...Usage })),
});

/** `POST /blackouts`: nobody is given an address from `cidr`. */
export type BlackoutRequest = Static<typeof BlackoutRequest>;
export const BlackoutRequest = object({
  cidr: Text,
  reason: optional(OneLine),
});
const Blackout = { cidr: Text, reason: Text };
/** `in_use`: names of those who have an address inside, and keep it until it is released. */
export type BlackoutReply = Static<typeof BlackoutReply>;
export const BlackoutReply = object({ ...Blackout, in_use: array(Text) });
export const BlackoutList = object({ revision: Revision, blackouts: array(object(Blackout)) });

/** `GET|POST /topology`, R4. On GET every group has `cidr` (first network) and `cidrs` (by network). */
export type TopologyDocument = { networks: NetworkDocument[]; topologies: TreeDocument[]; revision?: number };
export type NetworkDocument = Static<typeof NetworkDocument>;
const NetworkDocument = object({
  name: Text,
  cidr: Text,
  block_mask: optional(integer()),
  tenants: optional(array(Text)),
});
export type TreeDocument = {
  networks: string[];
  map: GroupDocument[];
  cidr?: string;
  cidrs?: Record<string, string>;
};
export type GroupDocument = {
  name: string;
  ip?: string;
  ips?: string[];
  assignment?: Record<string, string>;
  routing?: unknown;
  groups?: GroupDocument[];
  cidr?: string;
  cidrs?: Record<string, string>;
};
/** For the OpenAPI document only: groups nest, and core/topology checks them with better words than a schema can. */
export const TopologyDocument = object({
  networks: array(NetworkDocument),
  topologies: array(
    object({
      networks: array(Text),
      map: array(anything()),
      cidr: optional(Text),
      cidrs: optional(record(Text)),
    }),
  ),
  revision: optional(Revision),
});

/**
 * `POST /hosts/{name}/report`: what an agent has, sent whenever its watch is (re)opened and at intervals. `seen` is the newest store it ever
 * followed. `in_hand`: names that are being attached or detached; without it the report does not show that anything else is gone.
 */
export type HostReport = Static<typeof HostReport>;
export const HostReport = object({
  seen: optional(object({ cluster: Name, revision: Revision, policies: optional(boolean()) })),
  endpoints: array(
    object({
      name: HolderName,
      ips: Ips,
      tenant: Name,
      segment: Segment,
      sequence: Sequence,
      pod: optional(string({ maxLength: 512 })),
    }),
  ),
  in_hand: optional(array(HolderName)),
});
/** `state` "waiting": the daemon hands out nothing until the listed hosts have reported. */
export type HostReportReply = Static<typeof HostReportReply>;
export const HostReportReply = object({
  cluster: Text,
  revision: Revision,
  state: oneOf("ready", "waiting"),
  waiting_for: array(Text),
  conflicts: array(object({ name: Text, ip: Text, reason: Text })),
});

/**
 * `POST /ipam/adopt`: `force` ends the waiting for hosts that will not report, and for policies. `policies` "lost": nodes keep those that they
 * have until all are told anew.
 */
export type AdoptRequest = Static<typeof AdoptRequest>;
export const AdoptRequest = object({ force: boolean() });
export type AdoptReply = Static<typeof AdoptReply>;
export const AdoptReply = object({
  state: oneOf("ready", "waiting"),
  waiting_for: array(Text),
  policies: oneOf("known", "lost"),
});

/**
 * `GET /watch?since=<revision>&cluster=<id>`: newline-delimited JSON. First either `resume` (changes after `since` follow) or `reset`
 * (everything follows as puts; what is not put again is gone at `synced`). Block values carry no counts, so an allocation in a
 * known block is no event.
 */
export type WatchLine =
  | { type: "reset"; cluster: string }
  | { type: "resume"; cluster: string }
  | { type: "put"; kind: "host"; key: string; revision: number; value: HostReply }
  | { type: "put"; kind: "block"; key: string; revision: number; value: BlockView }
  | { type: "put"; kind: "topology"; key: "topology"; revision: number; value: TopologyDocument }
  | { type: "delete"; kind: "host" | "block" | "topology"; key: string; revision: number }
  /**
   * With `&policy=<host>`, that host's share of the policies: whole, on each connection anew and as soon as it is known; then what
   * changes in it. `null`: there are no policies, all is open. What was told before holds until the next.
   */
  | { type: "policy"; revision: number; value: NodePolicyJson | null }
  | { type: "policy-change"; revision: number; value: NodeDeltaJson }
  /** All up to `revision` was sent. Once after reset or resume. */
  | { type: "synced"; revision: number }
  /** Nothing up to `revision` is still to come; twice a second, so silence means a dead connection. `behind`: the daemon does not hear its store. */
  | { type: "bookmark"; revision: number; behind?: true };
