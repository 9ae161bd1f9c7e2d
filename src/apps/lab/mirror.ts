// The daemon's watch stream as a Snapshot, for the routers. Never asks for anything but GET /watch; never publishes before `synced`.
import { request } from "node:http";
import { type Clock, Milliseconds, type Rng } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { startRunner } from "../../base/runner.ts";
import type {
  BlockView,
  GroupDocument,
  HostReply,
  TopologyDocument,
  WatchLine,
} from "../../core/api/types.ts";
import type { Host } from "../../core/model/records.ts";
import type { BlockRoute, Snapshot } from "../../core/model/snapshot.ts";
import type { Group, Topology } from "../../core/model/topology.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { parseIp } from "../../core/net/ip.ts";

export type MirrorDeps = {
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Called with the world after `synced` and after every change since. */
  readonly publish: (snapshot: Snapshot) => void;
};

/** Bookmarks come every 5 s: so much silence is a dead connection. */
const SILENCE_MS = 15_000;
const MAX_LINE = 64 << 20;

/** Follows the daemon on this port of the loopback, reconnecting for ever. */
export function startMirror(port: number, deps: MirrorDeps): { close(): Promise<void> } {
  return startRunner(
    (signal) => follow(port, signal, deps),
    {
      every: Milliseconds(100),
      backoff: { first: Milliseconds(50), most: Milliseconds(500) },
      onError: (error, attempt) => {
        if (attempt === 0) deps.log.warn("watch ended, trying again", { error: String(error) });
      },
    },
    deps,
  );
}

/** One connection, from its reset to its end. */
async function follow(port: number, signal: AbortSignal, { publish, log }: MirrorDeps): Promise<void> {
  const world = emptyWorld();
  let isSynced = false;
  for await (const line of watchLines(port, signal)) {
    applyLine(world, line);
    if (line.type === "synced") {
      isSynced = true;
      log.info("mirror synced", { revision: line.revision });
    }
    if (isSynced && line.type !== "bookmark") publish(snapshotOf(world));
  }
}

async function* watchLines(port: number, signal: AbortSignal): AsyncIterable<WatchLine> {
  const response = await openWatch(port, signal);
  let rest = "";
  for await (const chunk of response as AsyncIterable<string>) {
    rest += chunk;
    if (rest.length > MAX_LINE) throw new UnavailableError({ code: "WATCH_LINE_TOO_LONG" });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) if (text !== "") yield JSON.parse(text) as WatchLine;
  }
}

function openWatch(port: number, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path: "/watch?since=0", signal, agent: false });
    call.setTimeout(SILENCE_MS, () => call.destroy(new Error("the watch is silent")));
    call.on("error", (cause) => {
      reject(new UnavailableError({ code: "WATCH", error: cause.message }, { cause }));
    });
    call.on("response", (response) => {
      if (response.statusCode === 200) return resolve(response.setEncoding("utf8"));
      response.resume();
      reject(new UnavailableError({ code: "WATCH", status: response.statusCode }));
    });
    call.end();
  });
}

type World = {
  revision: number;
  topology: Topology;
  hosts: Map<string, Host>;
  blocks: Map<string, BlockRoute>;
};
const emptyWorld = (): World => ({
  revision: 0,
  topology: { networks: [], trees: [] },
  hosts: new Map(),
  blocks: new Map(),
});
/** A copy, so that what was published does not change. */
const snapshotOf = (world: World): Snapshot => ({
  ...world,
  hosts: new Map(world.hosts),
  blocks: new Map(world.blocks),
});

function applyLine(world: World, line: WatchLine): void {
  switch (line.type) {
    case "reset":
      Object.assign(world, emptyWorld());
      return;
    case "resume":
      return;
    case "synced":
    case "bookmark":
      world.revision = line.revision;
      return;
    case "put":
      world.revision = line.revision;
      if (line.kind === "host") world.hosts.set(line.value.name, readHost(line.value));
      else if (line.kind === "block") world.blocks.set(line.value.cidr, readBlock(line.value));
      else world.topology = readTopology(line.value);
      return;
    case "delete":
      world.revision = line.revision;
      if (line.kind === "host") world.hosts.delete(line.key);
      else if (line.kind === "block") world.blocks.delete(line.key);
  }
}

const readHost = (value: HostReply): Host => ({
  name: value.name,
  ips: value.ips.map((text) => parseIp(text)),
  tags: value.tags,
  agentPort: value.agent_port,
  k8sInfo: value.k8s_info,
  groups: value.groups.map((path) => path ?? undefined),
});

const readBlock = (value: BlockView): BlockRoute => ({ ...value, cidr: parseCidr(value.cidr) });

/** The carved document of GET /topology: prefixes are taken as they are, never carved again. */
export function readTopology(document: TopologyDocument): Topology {
  return {
    networks: document.networks.map(({ name, cidr, block_mask, tenants }) => {
      const parsed = parseCidr(cidr);
      return {
        name,
        cidr: parsed,
        blockMask: block_mask ?? (parsed.ip.family === 4 ? 29 : 125),
        tenants: tenants ?? [],
      };
    }),
    trees: document.topologies.map(({ networks, map, cidrs = {} }) => ({
      networks,
      root: readGroup({ name: "", groups: map, cidrs }, ""),
    })),
  };
}

function readGroup(document: GroupDocument, path: string): Group {
  const members = document.groups ?? [];
  const isHost = ({ ip, ips }: GroupDocument): boolean => ip !== undefined || ips !== undefined;
  return {
    name: document.name,
    path,
    assignment: document.assignment ?? {},
    routing: document.routing,
    prefixes: Object.fromEntries(
      Object.entries(document.cidrs ?? {}).map(([name, cidr]) => [name, parseCidr(cidr)]),
    ),
    groups: members
      .filter((member) => !isHost(member))
      .map((member) => readGroup(member, path === "" ? member.name : `${path}/${member.name}`)),
    hosts: members
      .filter(isHost)
      .map(({ name, ip, ips }) => ({ name, ips: ips ?? (ip === undefined ? [] : [ip]) })),
  };
}
