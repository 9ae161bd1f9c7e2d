// A node as a container runtime finds it: a network namespace with daemon and agent as programs, an outside to talk to, and the
// CNI plugin called as runtimes call it. Dual stack.
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TopologyDocument } from "../../src/core/api/types.ts";
import { silentLog } from "../../src/base/log.ts";
import type { CommandResult, NativeHelper } from "../../src/io/kernel/kernel.ts";
import { startNativeHelper } from "../../src/io/kernel/native-helper.ts";
import { Bed, ip, stop } from "./bed.ts";
import { createPlugin, type CniPlugin } from "./cni-plugin.ts";
import { eventually } from "./eventually.ts";

export const NODE = { name: "node-1", ips: ["192.168.0.1", "fd00:1::1"] } as const;
export const OUTSIDE = { ips: ["192.168.0.254", "fd00:1::fe"] } as const;
const DAEMON = "http://127.0.0.1:9600";

const topology: TopologyDocument = {
  networks: [
    { name: "v4", cidr: "10.0.0.0/16" },
    { name: "v6", cidr: "fd00:2::/64" },
  ],
  topologies: [{ networks: ["v4", "v6"], map: [{ name: "all", groups: [] }] }],
};

export interface TestNode extends CniPlugin {
  readonly bed: Bed;
  readonly helper: NativeHelper;
  readonly netns: string;
  readonly outside: string;
  readonly socket: string;
  /** Makes a pod's namespace; its path. */
  pod(name: string): string;
  /** `GET` at the daemon. */
  get<Reply>(path: string): Promise<Reply>;
  /** Runs a program in a namespace. */
  run(argv: readonly string[], netns: string, stdin?: string): Promise<CommandResult>;
  startAgent(): Promise<void>;
  stopAgent(signal?: NodeJS.Signals): Promise<void>;
  /** Of the running agent. */
  agentPid(): number;
  startDaemon(...flags: string[]): Promise<void>;
  stopDaemon(signal?: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
}

/** With daemon (memory store unless told) and agent ready. `agent`: more flags. */
export async function startNode(store = "memory", agent: readonly string[] = []): Promise<TestNode> {
  const bed = new Bed("source");
  try {
    const node = await createNode(bed, store, agent);
    await node.startDaemon("--new-cluster", "--initial-topology", writeTopology(bed));
    await node.startAgent();
    return node;
  } catch (error) {
    await bed.dispose();
    throw error;
  }
}

function writeTopology(bed: Bed): string {
  const file = join(bed.dir, "topology.json");
  writeFileSync(file, JSON.stringify(topology));
  return file;
}

// long: the object that is the node
async function createNode(bed: Bed, store: string, agent: readonly string[]): Promise<TestNode> {
  const helper = await startNativeHelper({ log: silentLog });
  bed.onDispose(() => helper.close());
  const [netns, outside] = [bed.netns("node"), bed.netns("outside")];
  wire(netns, outside);
  const socket = join(bed.dir, "cni.sock");
  const processes = new Map<string, ChildProcess>();
  const run: TestNode["run"] = (argv, where, stdin = "") => helper.run(argv, { netns: where, stdin });
  const end = async (name: string, signal?: NodeJS.Signals): Promise<void> => {
    const child = processes.get(name);
    if (child) await stop(child, signal);
  };
  const launch = async (name: string, args: string[], ready: () => Promise<void>): Promise<void> => {
    processes.set(name, bed.romana(name, args, netns));
    await eventually(ready, { within: 20_000, every: 50 }).catch((error: unknown) => {
      throw new Error(`${name} is not ready: ${String(error)}\n${bed.log(name)}`);
    });
  };
  const node: TestNode = {
    ...{ bed, helper, netns, outside, socket, run, ...createPlugin(helper, netns, socket) },
    pod: (name) => bed.netns(name),
    agentPid: () => processes.get("agent")?.pid ?? 0,
    get: async <Reply>(path: string) => {
      const { code, stdout, stderr } = await run(["curl", "-sSf", DAEMON + path], netns);
      if (code !== 0) throw new Error(`GET ${path}: ${stderr}`);
      return JSON.parse(stdout) as Reply;
    },
    startDaemon: (...flags) =>
      launch("daemon", ["daemon", "--listen", "127.0.0.1:9600", "--store", store, ...flags], async () => {
        const { code, stderr } = await run(["curl", "-sSf", `${DAEMON}/readyz`], netns);
        if (code !== 0) throw new Error(stderr);
      }),
    startAgent: () =>
      launch("agent", ["agent", ...agentFlags(bed, socket), ...agent], async () => {
        const { code, json } = await node.cni("STATUS", { id: "", config: { cniVersion: "1.1.0" } });
        if (code !== 0) throw new Error(json?.msg);
      }),
    stopAgent: (signal) => end("agent", signal),
    stopDaemon: (signal) => end("daemon", signal),
    close: () => bed.dispose(),
  };
  return node;
}

const agentFlags = (bed: Bed, socket: string): string[] => [
  ...["--daemon", DAEMON, "--hostname", NODE.name, "--cni-socket", socket],
  ...["--state-dir", join(bed.dir, "state")],
];

/** The node's link to the outside, which is its default route. Without duplicate address detection, so that IPv6 works at once. */
function wire(node: string, outside: string): void {
  const [inner = "", outer = ""] = [node, outside].map((path) => path.split("/").at(-1) ?? "");
  ip("-n", inner, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", outer);
  for (const [ns, ips, peers] of [
    [inner, NODE.ips, OUTSIDE.ips],
    [outer, OUTSIDE.ips, NODE.ips],
  ] as const) {
    ip("-n", ns, "address", "add", `${ips[0]}/24`, "dev", "eth0");
    ip("-n", ns, "address", "add", `${ips[1]}/64`, "dev", "eth0", "nodad");
    ip("-n", ns, "link", "set", "eth0", "up");
    ip("-n", ns, "route", "add", "default", "via", peers[0]);
    ip("-n", ns, "-6", "route", "add", "default", "via", peers[1]);
  }
}
