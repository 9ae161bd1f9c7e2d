// A small cluster of namespaces for benches: a core that bridges (flat) or routes (racked) between hosts, the daemon in the
// core, an agent on every host, pods through the real CNI shim.
import { execFileSync, spawn } from "node:child_process";
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
const shortOf = (path: string): string => path.split("/").at(-1) ?? "";

/** Flat: all hosts in 192.168.0.0/24 on a bridge. Racked: host n alone in 192.168.n.0/24 behind the core, which routes. */
export async function startCluster(bed: Bed, size: number, kind: "flat" | "racked"): Promise<Cluster> {
  const core = bed.netns("core");
  const coreNs = shortOf(core);
  execFileSync("nsenter", [`--net=${core}`, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  if (kind === "flat") makeBridge(coreNs);
  const hosts = Array.from({ length: size }, (_, i) => makeHost(bed, coreNs, i + 1, kind));
  writeDaemon(bed, core, size, kind);
  await untilReady(core, bed, "daemon", `http://127.0.0.1:${PORT}/readyz`);
  for (const host of hosts) startAgent(bed, host, kind);
  for (const host of hosts) await untilReady(host.netns, bed, host.name, "http://127.0.0.1:9607/readyz");
  if (kind === "racked") routeRacks(coreNs, hosts, core);
  return { core, hosts };
}

function makeBridge(ns: string): void {
  ip("-n", ns, "link", "add", "br0", "type", "bridge");
  ip("-n", ns, "link", "set", "br0", "up");
  ip("-n", ns, "addr", "add", "192.168.0.254/24", "dev", "br0");
}

function makeHost(bed: Bed, core: string, n: number, kind: "flat" | "racked"): BenchHost {
  const netns = bed.netns(`h${n}`);
  const ns = shortOf(netns);
  const [subnet, last] = kind === "flat" ? ["192.168.0", n] : [`192.168.${n}`, 1];
  ip("-n", ns, "link", "add", "eth0", "type", "veth", "peer", "name", `h${n}`, "netns", core);
  ip("-n", ns, "addr", "add", `${subnet}.${last}/24`, "dev", "eth0");
  ip("-n", ns, "link", "set", "eth0", "up");
  ip("-n", core, "link", "set", `h${n}`, "up", ...(kind === "flat" ? ["master", "br0"] : []));
  if (kind === "racked") ip("-n", core, "addr", "add", `${subnet}.254/24`, "dev", `h${n}`);
  ip("-n", ns, "route", "add", "default", "via", `${subnet}.254`);
  return { name: `h${n}`, netns, ns, address: `${subnet}.${last}`, socket: `${bed.dir}/h${n}.sock` };
}

function writeDaemon(bed: Bed, core: string, size: number, kind: "flat" | "racked"): void {
  const groups =
    kind === "flat"
      ? [{ name: "all", groups: [] }]
      : Array.from({ length: size }, (_, i) => ({
          name: `rack-${i + 1}`,
          groups: [{ name: `h${i + 1}`, ip: `192.168.${i + 1}.1` }],
        }));
  const topology = {
    networks: [{ name: "pods", cidr: "10.112.0.0/12", block_mask: 29 }],
    topologies: [{ networks: ["pods"], map: groups }],
  };
  const file = `${bed.dir}/topology.json`;
  execFileSync("tee", [file], { input: JSON.stringify(topology), stdio: ["pipe", "ignore", "inherit"] });
  bed.romana(
    "daemon",
    [
      "daemon",
      "--listen",
      `0.0.0.0:${PORT}`,
      "--store",
      `sqlite:${bed.dir}/romana.db`,
      "--new-cluster",
      "--initial-topology",
      file,
    ],
    core,
  );
}

function startAgent(bed: Bed, host: BenchHost, kind: "flat" | "racked"): void {
  const daemon = kind === "flat" ? "192.168.0.254" : host.address.replace(/\.\d+$/, ".254");
  bed.romana(
    host.name,
    [
      "agent",
      "--daemon",
      `http://${daemon}:${PORT}`,
      "--hostname",
      host.name,
      "--state-dir",
      `${bed.dir}/${host.name}`,
      "--cni-socket",
      host.socket,
    ],
    host.netns,
  );
}

async function untilReady(netns: string, bed: Bed, name: string, url: string): Promise<void> {
  const probe = (): boolean => {
    try {
      execFileSync("nsenter", [`--net=${netns}`, "curl", "-sf", "-o", "/dev/null", url]);
      return true;
    } catch {
      return false; // not ready yet; `until` bounds the wait
    }
  };
  await until(`${name} ready`, probe, 50).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${bed.log(name)}`);
  });
}

type GroupJson = { name: string; cidr: string };

function routeRacks(coreNs: string, hosts: readonly BenchHost[], core: string): void {
  const reply = execFileSync(
    "nsenter",
    [`--net=${core}`, "curl", "-sf", `http://127.0.0.1:${PORT}/topology`],
    { encoding: "utf8" },
  );
  const groups = (JSON.parse(reply) as { topologies: { map: GroupJson[] }[] }).topologies[0]?.map ?? [];
  groups.forEach(({ cidr }, i) => ip("-n", coreNs, "route", "add", cidr, "via", hosts[i]?.address ?? ""));
}

/** JSON from the cluster's daemon. */
export function ask(cluster: Cluster, path: string): unknown {
  return JSON.parse(
    execFileSync("nsenter", [`--net=${cluster.core}`, "curl", "-sf", `http://127.0.0.1:${PORT}${path}`], {
      encoding: "utf8",
    }),
  );
}

export const conflist = (socket: string): string =>
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
