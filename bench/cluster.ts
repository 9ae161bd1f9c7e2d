// A small cluster of namespaces for benches: hosts on one bridge, the daemon beside it, an agent on every host, pods through the real
// CNI shim.
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type Bed, ip, nativePath } from "../test/support/bed.ts";
import { until } from "./processes.ts";

export type BenchHost = {
  readonly name: string;
  readonly netns: string;
  readonly ns: string;
  readonly address: string;
  readonly socket: string;
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
  return { name: `h${n}`, netns, ns, address: `192.168.0.${n}`, socket: `${bed.dir}/h${n}.sock` };
}

function startDaemon(bed: Bed, core: string): void {
  const topology = {
    networks: [{ name: "pods", cidr: "10.112.0.0/12", block_mask: 29 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  };
  const file = `${bed.dir}/topology.json`;
  writeFileSync(file, JSON.stringify(topology));
  const store = `sqlite:${bed.dir}/romana.db`;
  const options = ["--listen", `0.0.0.0:${PORT}`, "--store", store, "--new-cluster"];
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

const conflist = (socket: string): string =>
  JSON.stringify({ cniVersion: "1.0.0", name: "romana", type: "romana", socket });

/** Environment of a CNI call. */
export const cniEnv = (command: string, id: string, netns: string, args = ""): NodeJS.ProcessEnv => ({
  CNI_ARGS: args,
  PATH: process.env["PATH"],
  CNI_COMMAND: command,
  CNI_CONTAINERID: id,
  CNI_NETNS: netns,
  CNI_IFNAME: "eth0",
  CNI_PATH: "/usr/lib/cni",
});

/** Runs the shim in the host's namespace and resolves with its stdout and the milliseconds from exec to reply. */
export function cni(
  host: BenchHost,
  command: string,
  id: string,
  netns: string,
  args = "",
): Promise<{ stdout: string; milliseconds: number }> {
  return plugin(nativePath, ["cni"], host.netns, cniEnv(command, id, netns, args), conflist(host.socket));
}

/** Any CNI plugin, timed from spawn to exit. */
export function plugin(
  path: string,
  args: readonly string[],
  netns: string,
  env: NodeJS.ProcessEnv,
  stdin: string,
): Promise<{ stdout: string; milliseconds: number }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn("nsenter", [`--net=${netns}`, path, ...args], {
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      const milliseconds = performance.now() - start;
      if (code === 0) resolve({ stdout, milliseconds });
      else reject(new Error(`${path} ended with ${String(code)}: ${stdout}`));
    });
    child.stdin.end(stdin);
  });
}
