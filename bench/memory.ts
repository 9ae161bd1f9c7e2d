// Resident memory at 1,000 nodes and 20,000 blocks: of the daemon with all agents watching it, and of an agent that routes them all.
import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { Pool } from "undici";
import type { HostReportReply } from "../src/core/api/types.ts";
import { type Bed, ip, stop } from "../test/support/bed.ts";
import type { Bench, Figure } from "./figure.ts";
import { answers, pause, until, withBed } from "./processes.ts";

const NODES = 1000;
const BLOCKS_EACH = 20;
const PORT = 19620;
const URL_ROOT = `http://127.0.0.1:${PORT}`;
const JSON_TYPE = { "content-type": "application/json" };
/** Milliseconds after which a process is measured. */
const SETTLE = 3000;

/** MiB, VmRSS of the process. */
function residentMemory({ pid }: ChildProcess): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) / 1024;
}

async function post<T>(pool: Pool, path: string, body: unknown): Promise<T> {
  const reply = await pool.request({ path, method: "POST", body: JSON.stringify(body), headers: JSON_TYPE });
  const text = await reply.body.text();
  if (reply.statusCode !== 200) throw new Error(`${path}: ${reply.statusCode} ${text}`);
  return JSON.parse(text) as T;
}

async function inParallel(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: 64 }, worker));
}

/** Hosts in 10.200.0.0/16, an address and so a block of each of 20 tenants on every one. */
async function fill(pool: Pool): Promise<void> {
  await post(pool, "/topology", {
    networks: [{ name: "pods", cidr: "10.0.0.0/9", block_mask: 29 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  });
  const host = (i: number) => ({ name: `node-${i}`, ip: `10.200.${(i + 1) >> 8}.${(i + 1) & 255}` });
  await inParallel(NODES, (i) => post(pool, "/hosts", host(i)));
  const address = (i: number) => ({
    name: `pod-${i}`,
    host: `node-${i % NODES}`,
    tenant: `tenant-${Math.floor(i / NODES)}`,
    segment: "default",
  });
  await inParallel(NODES * BLOCKS_EACH, (i) => post(pool, "/address", address(i)));
}

/** As many streams as there are nodes, each of an agent that was there before. */
async function watchers(pool: Pool): Promise<IncomingMessage[]> {
  const { cluster, revision } = await post<HostReportReply>(pool, "/hosts/node-0/report", { endpoints: [] });
  const url = `${URL_ROOT}/watch?since=${revision}&cluster=${cluster}`;
  const streams: IncomingMessage[] = [];
  await inParallel(NODES, async () => {
    const stream = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent: false }, resolve).on("error", reject);
    });
    streams.push(stream.resume());
  });
  return streams;
}

const startDaemon = (bed: Bed, netns?: string): ChildProcess => {
  const options = [
    "--listen",
    `127.0.0.1:${PORT}`,
    "--store",
    `sqlite:${bed.dir}/romana.db`,
    "--new-cluster",
  ];
  return bed.romana("daemon", ["daemon", ...options], netns);
};

async function measureDaemon(bed: Bed): Promise<number> {
  const daemon = startDaemon(bed);
  await until("daemon ready", () => answers(`${URL_ROOT}/readyz`));
  const pool = new Pool(URL_ROOT, { connections: 64 });
  await fill(pool);
  const streams = await watchers(pool);
  await pause(SETTLE);
  const memory = residentMemory(daemon);
  for (const stream of streams) stream.destroy();
  await pool.close();
  await stop(daemon);
  return memory;
}

/** On the same store in a namespace where every node is on-link, so that all their blocks are routed. */
async function measureAgent(bed: Bed): Promise<number> {
  const netns = bed.netns("node");
  const ns = netns.split("/").at(-1) ?? "";
  ip("-n", ns, "link", "add", "eth0", "type", "veth", "peer", "name", "wire");
  ip("-n", ns, "link", "set", "wire", "up");
  ip("-n", ns, "addr", "add", "10.200.0.1/16", "dev", "eth0");
  ip("-n", ns, "link", "set", "eth0", "up");
  startDaemon(bed, netns);
  const options = ["--daemon", URL_ROOT, "--hostname", "node-0", "--link-name", "eth0", "--register=false"];
  const paths = ["--state-dir", `${bed.dir}/agent`, "--cni-socket", `${bed.dir}/cni.sock`];
  const agent = bed.romana("agent", ["agent", ...options, ...paths], netns);
  // Blocks of one node lie apart: next to nothing is aggregated.
  const count = `ip -n ${ns} route show table all | wc -l`;
  const routes = (): number => Number(execFileSync("sh", ["-c", count], { encoding: "utf8" }));
  await until("the routes are there", () => routes() > (NODES * BLOCKS_EACH) / 2, 200);
  await pause(SETTLE);
  return residentMemory(agent);
}

const figure = (name: string, value: number, limit: number): Figure => ({
  ...{ name, value, unit: "MiB" },
  goal: { kind: "at-most", limit, of: "value" },
});

export const memoryBench: Bench = {
  name: "memory",
  about: `${NODES} nodes, ${NODES * BLOCKS_EACH} blocks: resident memory`,
  run: () =>
    withBed(async (bed) => [
      figure(`daemon, ${NODES} agents watch`, await measureDaemon(bed), 400),
      figure("agent", await measureAgent(bed), 100),
    ]),
};
