// Resident memory of the daemon and of one agent at 1,000 nodes and 20,000 blocks.
import { readFileSync } from "node:fs";
import { Pool } from "undici";
import type { Bench } from "./figure.ts";
import { answers, pause, until, withBed } from "./processes.ts";

const NODES = 1000;
const TENANTS = 20;
const PORT = 19620;
const URL_ROOT = `http://127.0.0.1:${PORT}`;
const SETTLE = 3000;

/** MiB, VmRSS of the process. */
function residentMemory(pid: number | undefined): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) / 1024;
}

async function post(pool: Pool, path: string, body: unknown): Promise<void> {
  const reply = await pool.request({
    path,
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
  const text = await reply.body.text();
  if (reply.statusCode !== 200) throw new Error(`${path}: ${reply.statusCode} ${text}`);
}

async function inParallel(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: 64 }, worker));
}

/** 1,000 hosts, a block of each of 20 tenants on every one. */
async function fill(pool: Pool): Promise<void> {
  await post(pool, "/topology", {
    networks: [{ name: "pods", cidr: "10.0.0.0/8", block_mask: 29 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  });
  await inParallel(NODES, (i) =>
    post(pool, "/hosts", { name: `node-${i}`, ip: `127.1.${i >> 8}.${i & 255}` }),
  );
  await inParallel(NODES * TENANTS, (i) =>
    post(pool, "/address", {
      name: `pod-${i}`,
      host: `node-${i % NODES}`,
      tenant: `tenant-${i % TENANTS}-${Math.floor(i / NODES)}`,
      segment: "default",
    }),
  );
}

export const memoryBench: Bench = {
  name: "memory",
  about: `${NODES} nodes, ${NODES * TENANTS} blocks: resident memory`,
  run: () =>
    withBed(async (bed) => {
      const daemon = bed.romana("daemon", [
        "daemon",
        "--listen",
        `127.0.0.1:${PORT}`,
        "--store",
        `sqlite:${bed.dir}/romana.db`,
        "--new-cluster",
      ]);
      await until("daemon ready", () => answers(`${URL_ROOT}/readyz`));
      const pool = new Pool(URL_ROOT, { connections: 64 });
      await fill(pool);
      // The agent runs where loopback makes every node on-link: it holds and routes all 20,000 blocks.
      const agent = bed.romana("agent", [
        "agent",
        "--daemon",
        URL_ROOT,
        "--hostname",
        "node-0",
        "--no-register",
        "--once",
        "--dry-run",
      ]);
      await pause(SETTLE);
      await pool.close();
      return [
        {
          name: "daemon",
          value: residentMemory(daemon.pid),
          unit: "MiB",
          goal: { kind: "at-most", limit: 400, of: "value" },
        },
        {
          name: "agent",
          value: residentMemory(agent.pid),
          unit: "MiB",
          goal: { kind: "at-most", limit: 100, of: "value" },
        },
      ];
    }),
};
