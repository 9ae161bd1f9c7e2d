// A small cluster of namespaces for benches: hosts on one bridge, the daemon beside it, an agent on every host, pods through the real
// CNI shim.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type Bed, ip } from "../test/support/bed.ts";
import { type Plugins, romanaPlugin, startPlugins } from "./plugin.ts";
import { until } from "./processes.ts";

export type BenchHost = {
  readonly name: string;
  readonly netns: string;
  readonly ns: string;
  readonly address: string;
  readonly socket: string;
  /** Runs plugins in its namespace. */
  readonly plugins: Plugins;
};
export type Cluster = { readonly core: string; readonly hosts: readonly BenchHost[] };

const PORT = 9600;
const GATEWAY = "192.168.0.254";
const shortOf = (path: string): string => path.split("/").at(-1) ?? "";

/** `size` hosts in 192.168.0.0/24. */
export async function startCluster(bed: Bed, size: number): Promise<Cluster> {
  const core = bed.netns("core");
  const coreNs = shortOf(core);
  makeBridge(coreNs);
  const hosts = Array.from({ length: size }, (_, i) => makeHost(bed, coreNs, i + 1));
  startDaemon(bed, core);
  await untilReady(core, bed, "daemon", `http://127.0.0.1:${PORT}/readyz`);
  for (const host of hosts) startAgent(bed, host);
  for (const host of hosts) await untilReady(host.netns, bed, host.name, "http://127.0.0.1:9607/readyz");
  return { core, hosts };
}

function makeBridge(ns: string): void {
  ip("-n", ns, "link", "add", "br0", "type", "bridge");
  ip("-n", ns, "link", "set", "br0", "up");
  ip("-n", ns, "addr", "add", `${GATEWAY}/24`, "dev", "br0");
}

function makeHost(bed: Bed, core: string, n: number): BenchHost {
  const netns = bed.netns(`h${n}`);
  const ns = shortOf(netns);
  ip("-n", ns, "link", "add", "eth0", "type", "veth", "peer", "name", `h${n}`, "netns", core);
  ip("-n", ns, "addr", "add", `192.168.0.${n}/24`, "dev", "eth0");
  ip("-n", ns, "link", "set", "eth0", "up");
  ip("-n", core, "link", "set", `h${n}`, "up", "master", "br0");
  ip("-n", ns, "route", "add", "default", "via", GATEWAY);
  const plugins = startPlugins(bed, netns);
  return { name: `h${n}`, netns, ns, address: `192.168.0.${n}`, socket: `${bed.dir}/h${n}.sock`, plugins };
}

function startDaemon(bed: Bed, core: string): void {
  const topology = {
    networks: [{ name: "pods", cidr: "10.112.0.0/12", block_mask: 29 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  };
  const file = `${bed.dir}/topology.json`;
  writeFileSync(file, JSON.stringify(topology));
  const store = `sqlite:${bed.dir}/romana.db`;
  const options = ["--listen", `0.0.0.0:${PORT}`, "--insecure", "--store", store, "--new-cluster"];
  bed.romana("daemon", ["daemon", ...options, "--initial-topology", file], core);
}

function startAgent(bed: Bed, { name, netns, socket }: BenchHost): void {
  const options = ["--daemon", `http://${GATEWAY}:${PORT}`, "--hostname", name];
  const paths = ["--state-dir", `${bed.dir}/${name}`, "--cni-socket", socket];
  bed.romana(name, ["agent", ...options, ...paths], netns);
}

async function untilReady(netns: string, bed: Bed, name: string, url: string): Promise<void> {
  const probe = (): boolean => {
    try {
      execFileSync("nsenter", [`--net=${netns}`, "busybox", "wget", "-q", "-O", "/dev/null", url], {
        stdio: "ignore",
      });
      return true;
    } catch {
      return false; // not ready yet; `until` bounds the wait
    }
  };
  await until(`${name} ready`, probe, 50).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${bed.log(name)}`);
  });
}

/** Runs Romana's plugin in the host's namespace; its stdout and the milliseconds from exec to reply. */
export const cni = (
  { plugins, socket }: BenchHost,
  command: "ADD" | "DEL",
  id: string,
  netns: string,
  args = "",
): Promise<{ stdout: string; milliseconds: number }> =>
  plugins.run(
    romanaPlugin,
    { command, id, netns, args },
    { cniVersion: "1.0.0", name: "romana", type: "romana", socket },
  );
