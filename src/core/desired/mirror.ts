// The lines of `GET /watch` as a Snapshot. A gap in the stream (reset) is invisible above: what was there stays until `synced`.
import type { BlockView, HostReply, WatchLine } from "../api/types.ts";
import type { Host } from "../model/records.ts";
import type { BlockRoute, Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import { parseCidr } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import { parseTopology } from "../topology/parse-topology.ts";

type World = {
  revision: number;
  topology: Topology;
  hosts: Map<string, Host>;
  blocks: Map<string, BlockRoute>;
};

export interface Mirror {
  /** What is known: whole and true since the first `synced`. Its maps change with the next line: copy to keep. */
  readonly snapshot: Snapshot;
  readonly synced: boolean;
  /** The store's id and the revision up to which everything was seen; `undefined` before the first `synced`. */
  readonly seen: { readonly cluster: string; readonly revision: number } | undefined;
  /** Takes one line; `true`: the snapshot is another than before. */
  apply(line: WatchLine): boolean;
}

const emptyWorld = (): World => ({
  revision: 0,
  topology: { networks: [], trees: [] },
  hosts: new Map(),
  blocks: new Map(),
});

export function createMirror(): Mirror {
  let shown = emptyWorld();
  /** Filled between a reset and its `synced`, shown then. */
  let coming: World | undefined;
  let cluster = "";
  let synced = false;
  return {
    get snapshot() {
      return shown;
    },
    get synced() {
      return synced;
    },
    get seen() {
      return synced ? { cluster, revision: shown.revision } : undefined;
    },
    apply(line) {
      if (line.type === "reset") {
        cluster = line.cluster;
        coming = emptyWorld();
        return false;
      }
      if (line.type === "resume") return false;
      (coming ?? shown).revision = line.revision;
      if (line.type === "synced") {
        const changed = coming !== undefined || !synced;
        shown = coming ?? shown;
        coming = undefined;
        synced = true;
        return changed;
      }
      if (line.type === "bookmark") return false;
      change(coming ?? shown, line);
      return coming === undefined;
    },
  };
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
      world.topology = line.type === "put" ? readTopology(line.value) : emptyWorld().topology;
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

/** The daemon's own document carries every prefix, so it parses as it was carved. */
function readTopology(value: unknown): Topology {
  const parsed = parseTopology(withoutRevision(value));
  return parsed.kind === "valid" ? parsed.topology : emptyWorld().topology;
}

function withoutRevision(value: unknown): unknown {
  const { revision: _, ...document } = value as Record<string, unknown>;
  return document;
}
