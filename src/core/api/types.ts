// The REST API's JSON, R1 and R3 of the contract. Texts here are wire texts: addresses and prefixes in canonical form.

export type ApiError = {
  status_code: number;
  details: string;
  resource_id?: string;
  resource_type?: string;
  code?: string;
  faults?: { code: string; field: string; expected: string }[];
};

/** `POST /address`. `name` identifies the holder for life: the same (name, host, tenant, segment) gets the same address again. */
export type AddressRequest = {
  name: string;
  host: string;
  tenant: string;
  segment?: string;
  /** Wanted addresses (static request), at most one a family. */
  ips?: string[];
  /** "namespace/pod", shown to people. */
  pod?: string;
};
/** R3: `id` is the name; `ip` the first of `ips`. */
export type AddressReply = {
  id: string;
  ip: string;
  ips: string[];
  name: string;
  host: string;
  tenant: string;
  segment: string;
  sequence: number;
  blocks: string[];
  networks: string[];
  pod?: string;
};
export type AddressList = { revision: number; addresses: AddressReply[] };
/** `DELETE /address?addressName=<name or IP>[&sequence=n]` */
export type ReleaseReply = { released: boolean };

export type NetworkReply = {
  revision: number;
  id: string;
  name: string;
  cidr: string;
  block_mask: number;
  tenants: string[];
  blocks: number;
  allocated_ip_count: number;
};
export type BlockReply = {
  revision: number;
  cidr: string;
  tenant: string;
  segment: string;
  host: string;
  network: string;
  group: string;
  allocated_ip_count: number;
};
export type BlockList = { revision: number; blocks: BlockReply[] };
export type HostReply = {
  ip: string;
  ips: string[];
  name: string;
  agent_port: number;
  tags: Record<string, string>;
  k8s_info: Record<string, unknown>;
  groups: (string | null)[];
};
export type HostList = { hosts: HostReply[]; revision: number };
/** `POST /hosts`: makes or changes a host. */
export type HostRequest = {
  name: string;
  ip?: string;
  ips?: string[];
  agent_port?: number;
  tags?: Record<string, string>;
  k8s_info?: Record<string, unknown>;
};
export type TenantList = {
  revision: number;
  tenants: { id: string; segments: string[]; blocks: number; allocated_ip_count: number }[];
};
export type SegmentList = {
  revision: number;
  segments: { id: string; blocks: number; allocated_ip_count: number }[];
};

/** `GET|POST /topology`, R4. On GET every group has `cidr` (first network) and `cidrs` (by network). */
export type TopologyDocument = { networks: NetworkDocument[]; topologies: TreeDocument[]; revision?: number };
export type NetworkDocument = { name: string; cidr: string; block_mask?: number; tenants?: string[] };
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

/** `POST /hosts/{name}/report`: what an agent has, sent whenever its watch is (re)opened. `seen` is the newest store it ever followed. */
export type HostReport = {
  seen?: { cluster: string; revision: number };
  endpoints: {
    name: string;
    ips: string[];
    tenant: string;
    segment: string;
    sequence: number;
    pod?: string;
  }[];
};
/** `state` "waiting": the daemon hands out nothing until the listed hosts have reported. */
export type HostReportReply = {
  cluster: string;
  revision: number;
  state: "ready" | "waiting";
  waiting_for: string[];
  conflicts: { name: string; ip: string; reason: string }[];
};

/**
 * `GET /watch?since=<revision>&cluster=<id>`: newline-delimited JSON. First either `resume` (changes after `since` follow) or `reset`
 * (everything follows as puts; what is not put again is gone at `synced`). Block values carry no counts, so an allocation in a
 * known block is no event.
 */
export type WatchLine =
  | { type: "reset"; cluster: string }
  | { type: "resume"; cluster: string }
  | { type: "put"; kind: "host"; key: string; revision: number; value: HostReply }
  | {
      type: "put";
      kind: "block";
      key: string;
      revision: number;
      value: Omit<BlockReply, "revision" | "allocated_ip_count">;
    }
  | { type: "put"; kind: "topology"; key: "topology"; revision: number; value: TopologyDocument }
  | { type: "delete"; kind: "host" | "block" | "topology"; key: string; revision: number }
  /** All up to `revision` was sent. Once after reset or resume. */
  | { type: "synced"; revision: number }
  /** Nothing up to `revision` is still to come; at least every 5 s, so silence means a dead connection. */
  | { type: "bookmark"; revision: number };
