// The REST API's JSON, R1 and R3 of the contract: each schema validates requests, makes the OpenAPI document and is the type.
// Texts here are wire texts: addresses and prefixes in canonical form.
import { Type, type Static } from "typebox";

/** Visible characters only: no control characters, spaces or lone surrogates. */
const Name = Type.String({ minLength: 1, maxLength: 253, pattern: "^[^\\p{C}\\p{Z}]+$" });
/** An address holder's name has the container runtime's parts in it: longer than a host's. */
const HolderName = Type.String({ minLength: 1, maxLength: 512, pattern: "^[^\\p{C}\\p{Z}]+$" });
const Segment = Type.String({ maxLength: 253, pattern: "^[^\\p{C}\\p{Z}]*$" });
const IpText = Type.String({ maxLength: 45 });
const Ips = Type.Array(IpText, { maxItems: 2 });
const Port = Type.Integer({ minimum: 0, maximum: 65535 });
const Tags = Type.Record(Type.String(), Type.String({ maxLength: 1024 }));
const K8sInfo = Type.Record(Type.String(), Type.Unknown());
const Sequence = Type.Integer({ minimum: 0 });
const Count = Type.Integer({ minimum: 0 });
const Text = Type.String();
const Revision = Type.Integer({ minimum: 0 });
const optional = Type.Optional;

export type Fault = Static<typeof Fault>;
const Fault = Type.Object({ code: Text, field: Text, expected: Text });

export type ApiError = Static<typeof ApiError>;
export const ApiError = Type.Object({
  status_code: Type.Integer(),
  details: Text,
  resource_id: optional(Text),
  resource_type: optional(Text),
  code: optional(Text),
  faults: optional(Type.Array(Fault)),
});

/** `POST /address`. `name` identifies the holder for life: the same (name, host, tenant, segment) gets the same address again. */
export type AddressRequest = Static<typeof AddressRequest>;
export const AddressRequest = Type.Object({
  name: HolderName,
  host: Name,
  tenant: Name,
  segment: optional(Segment),
  /** Wanted addresses (static request), at most one a family. */
  ips: optional(Ips),
  /** "namespace/pod", shown to people. */
  pod: optional(Type.String({ maxLength: 512, pattern: "^[^\\p{C}]*$" })),
});

/** R3: `id` is the name; `ip` the first of `ips`. */
export type AddressReply = Static<typeof AddressReply>;
export const AddressReply = Type.Object({
  id: Text,
  ip: Text,
  ips: Type.Array(Text),
  name: Text,
  host: Text,
  tenant: Text,
  segment: Text,
  sequence: Sequence,
  blocks: Type.Array(Text),
  networks: Type.Array(Text),
  pod: optional(Text),
});
export type AddressList = Static<typeof AddressList>;
export const AddressList = Type.Object({ revision: Revision, addresses: Type.Array(AddressReply) });

/** `DELETE /address?addressName=<name or IP>[&sequence=n]` */
export type ReleaseReply = Static<typeof ReleaseReply>;
export const ReleaseReply = Type.Object({ released: Type.Boolean() });

export type NetworkReply = Static<typeof NetworkReply>;
export const NetworkReply = Type.Object({
  revision: Revision,
  id: Text,
  name: Text,
  cidr: Text,
  block_mask: Type.Integer(),
  tenants: Type.Array(Text),
  blocks: Count,
  allocated_ip_count: Count,
});
export const NetworkList = Type.Array(NetworkReply);

/** A block as agents see it: no counts, so that an allocation in a known block changes nothing. */
export type BlockView = Static<typeof BlockView>;
export const BlockView = Type.Object({
  cidr: Text,
  tenant: Text,
  segment: Text,
  host: Text,
  network: Text,
  group: Text,
});
export type BlockReply = Static<typeof BlockReply>;
export const BlockReply = Type.Object({
  revision: Revision,
  ...BlockView.properties,
  allocated_ip_count: Count,
});
export type BlockList = Static<typeof BlockList>;
export const BlockList = Type.Object({ revision: Revision, blocks: Type.Array(BlockReply) });

export type HostReply = Static<typeof HostReply>;
export const HostReply = Type.Object({
  ip: Text,
  ips: Type.Array(Text),
  name: Text,
  agent_port: Port,
  tags: Tags,
  k8s_info: K8sInfo,
  groups: Type.Array(Type.Union([Text, Type.Null()])),
});
export type HostList = Static<typeof HostList>;
export const HostList = Type.Object({ hosts: Type.Array(HostReply), revision: Revision });

/** `POST /hosts`: makes or changes a host. */
export type HostRequest = Static<typeof HostRequest>;
export const HostRequest = Type.Object({
  name: Name,
  ip: optional(IpText),
  ips: optional(Ips),
  agent_port: optional(Port),
  tags: optional(Tags),
  k8s_info: optional(K8sInfo),
});

const Usage = { blocks: Count, allocated_ip_count: Count };
export type TenantList = Static<typeof TenantList>;
export const TenantList = Type.Object({
  revision: Revision,
  tenants: Type.Array(Type.Object({ id: Text, segments: Type.Array(Text), ...Usage })),
});
export type SegmentList = Static<typeof SegmentList>;
export const SegmentList = Type.Object({
  revision: Revision,
  segments: Type.Array(Type.Object({ id: Text, ...Usage })),
});

/** `POST /blackouts`: nobody is given an address from `cidr`. */
export type BlackoutRequest = Static<typeof BlackoutRequest>;
export const BlackoutRequest = Type.Object({
  cidr: Text,
  reason: optional(Type.String({ maxLength: 512, pattern: "^[^\\p{C}]*$" })),
});
const Blackout = { cidr: Text, reason: Text };
/** `in_use`: names of those who have an address inside, and keep it until it is released. */
export type BlackoutReply = Static<typeof BlackoutReply>;
export const BlackoutReply = Type.Object({ ...Blackout, in_use: Type.Array(Text) });
export const BlackoutList = Type.Object({ revision: Revision, blackouts: Type.Array(Type.Object(Blackout)) });

/** `GET|POST /topology`, R4. On GET every group has `cidr` (first network) and `cidrs` (by network). */
export type TopologyDocument = { networks: NetworkDocument[]; topologies: TreeDocument[]; revision?: number };
export type NetworkDocument = Static<typeof NetworkDocument>;
const NetworkDocument = Type.Object({
  name: Text,
  cidr: Text,
  block_mask: optional(Type.Integer()),
  tenants: optional(Type.Array(Text)),
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
export const TopologyDocument = Type.Object({
  networks: Type.Array(NetworkDocument),
  topologies: Type.Array(
    Type.Object({
      networks: Type.Array(Text),
      map: Type.Array(Type.Unknown()),
      cidr: optional(Text),
      cidrs: optional(Type.Record(Type.String(), Text)),
    }),
  ),
  revision: optional(Revision),
});

/** `POST /hosts/{name}/report`: what an agent has, sent whenever its watch is (re)opened. `seen` is the newest store it ever followed. */
export type HostReport = Static<typeof HostReport>;
export const HostReport = Type.Object({
  seen: optional(Type.Object({ cluster: Name, revision: Revision })),
  endpoints: Type.Array(
    Type.Object({
      name: HolderName,
      ips: Ips,
      tenant: Name,
      segment: Segment,
      sequence: Sequence,
      pod: optional(Type.String({ maxLength: 512 })),
    }),
  ),
});
/** `state` "waiting": the daemon hands out nothing until the listed hosts have reported. */
export type HostReportReply = Static<typeof HostReportReply>;
export const HostReportReply = Type.Object({
  cluster: Text,
  revision: Revision,
  state: Type.Union([Type.Literal("ready"), Type.Literal("waiting")]),
  waiting_for: Type.Array(Text),
  conflicts: Type.Array(Type.Object({ name: Text, ip: Text, reason: Text })),
});

/** `POST /ipam/adopt`: `force` ends the waiting for hosts that will not report. */
export type AdoptRequest = Static<typeof AdoptRequest>;
export const AdoptRequest = Type.Object({ force: Type.Boolean() });
export type AdoptReply = Static<typeof AdoptReply>;
export const AdoptReply = Type.Object({
  state: Type.Union([Type.Literal("ready"), Type.Literal("waiting")]),
  waiting_for: Type.Array(Text),
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
  /** All up to `revision` was sent. Once after reset or resume. */
  | { type: "synced"; revision: number }
  /** Nothing up to `revision` is still to come; at least every 5 s, so silence means a dead connection. */
  | { type: "bookmark"; revision: number };
