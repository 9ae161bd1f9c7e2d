// The lines of `GET /watch` as a Snapshot. A gap in the stream (reset) is invisible above: what was there stays until `synced`.
import type { BlockView, HostReply, WatchLine } from "../api/types.ts";
import type { Host } from "../model/records.ts";
import type { BlockRoute, Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import type { NodePolicy } from "../model/node-policy.ts";
import { parseCidr } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import { applyNodeDelta } from "../policy/apply-node-delta.ts";
import { decodeNodeDelta, decodeNodePolicy } from "../policy/node-codec.ts";
import { parseToldTopology } from "../topology/parse-topology.ts";

type World = {
  readonly cluster: string;
  revision: number;
  topology: Topology;
  readonly hosts: Map<string, Host>;
  readonly blocks: Map<string, BlockRoute>;
};

export interface Mirror {
  /** What is known: whole and true since the first `synced`. Its maps change with the next line: copy to keep. */
  readonly snapshot: Snapshot;
  readonly synced: boolean;
  /** The store's id and the revision up to which everything was seen; `undefined` before the first `synced`. */
  readonly seen: { readonly cluster: string; readonly revision: number } | undefined;
  /** This node's share of the policies; "none": there are no policies; `undefined`: it was not told yet. */
  readonly policy: NodePolicy | "none" | undefined;
  /** Takes one line; `true`: the snapshot is another than before. A line that cannot be read throws, and changes nothing. */
  apply(line: WatchLine): boolean;
}

const noTopology: Topology = { networks: [], trees: [] };
const emptyWorld = (cluster: string): World => ({
  cluster,
  revision: 0,
  topology: noTopology,
  hosts: new Map(),
  blocks: new Map(),
});

type State = {
  shown: World;
  /** Filled between a reset and its `synced`, shown then. A stream that ends before leaves it behind: the next begins anew. */
  coming: World | undefined;
  synced: boolean;
  policy: Mirror["policy"];
};

export function createMirror(): Mirror {
  const state: State = { shown: emptyWorld(""), coming: undefined, synced: false, policy: undefined };
  return {
    get snapshot() {
      return state.shown;
    },
    get synced() {
      return state.synced;
    },
    get seen() {
      return state.synced ? { cluster: state.shown.cluster, revision: state.shown.revision } : undefined;
    },
    get policy() {
      return state.policy;
    },
    apply: (line) => take(state, line),
  };
}

function take(state: State, line: WatchLine): boolean {
  switch (line.type) {
    case "reset":
      state.coming = emptyWorld(line.cluster);
      return false;
    case "resume":
      state.coming = undefined;
      return false;
    case "synced":
      return show(state, line.revision);
    case "bookmark":
      if (!state.coming) state.shown.revision = line.revision;
      return false;
    case "policy":
      state.policy = line.value === null ? "none" : decodeNodePolicy(line.value);
      return false;
    case "policy-change":
      if (typeof state.policy === "object")
        state.policy = applyNodeDelta(state.policy, decodeNodeDelta(line.value));
      return false;
    default:
      change(state.coming ?? state.shown, line);
      return !state.coming;
  }
}

function show(state: State, revision: number): boolean {
  const isOther = state.coming !== undefined;
  state.shown = state.coming ?? state.shown;
  state.shown.revision = revision;
  state.coming = undefined;
  state.synced = true;
  return isOther;
}

function change(world: World, line: Extract<WatchLine, { type: "put" | "delete" }>): void {
  switch (line.kind) {
    case "host":
      if (line.type === "put") world.hosts.set(line.value.name, readHost(line.value));
      else world.hosts.delete(line.key);
      return;
    case "block":
      if (line.type === "put") world.blocks.set(line.value.cidr, readBlock(line.value));
      else world.blocks.delete(line.key);
      return;
    case "topology":
      world.topology = line.type === "put" ? readTopology(line.value) : noTopology;
  }
}

function readHost(value: HostReply): Host {
  return {
    name: value.name,
    ips: value.ips.map((text) => parseIp(text)),
    tags: value.tags,
    agentPort: value.agent_port,
    k8sInfo: value.k8s_info,
    groups: value.groups.map((path) => path ?? undefined),
  };
}

const readBlock = (value: BlockView): BlockRoute => ({ ...value, cidr: parseCidr(value.cidr) });

/** The daemon's own document carries every prefix, so it parses as it was carved. Invalid is as absent: blocks are routed without it. */
const readTopology = (value: unknown): Topology => parseToldTopology(withoutRevision(value)) ?? noTopology;

function withoutRevision(value: unknown): unknown {
  const { revision: _, ...document } = value as Record<string, unknown>;
  return document;
}
