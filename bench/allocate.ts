// Allocations per second through the API on sqlite, against raw single durable sqlite transactions on the same disk.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Pool } from "undici";
import { type Bench, median } from "./figure.ts";
import type { Bed } from "../test/support/bed.ts";
import { answers, until, withBed } from "./processes.ts";

const PORT = 19610;
const URL_ROOT = `http://127.0.0.1:${PORT}`;
const IN_FLIGHT = 64;
const ALLOCATIONS = 12_000;
const RAW = 4000;
const HOSTS = 8;
const ROUNDS = 3;

/** Transactions per second, one insert each, as durable as the daemon's. */
function rawRate(path: string): number {
  const db = new DatabaseSync(path);
  db.exec(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t (k TEXT PRIMARY KEY, v TEXT)",
  );
  const insert = db.prepare("INSERT OR REPLACE INTO t VALUES (?, ?)");
  const value = "x".repeat(300);
  const start = performance.now();
  for (let i = 0; i < RAW; i++) insert.run(`key-${i}`, value);
  const seconds = (performance.now() - start) / 1000;
  db.close();
  return RAW / seconds;
}

async function startDaemon(bed: Bed): Promise<void> {
  bed.romana("daemon", [
    "daemon",
    "--listen",
    `127.0.0.1:${PORT}`,
    "--store",
    `sqlite:${bed.dir}/romana.db`,
    "--new-cluster",
  ]);
  await until("daemon ready", () => answers(`${URL_ROOT}/readyz`)).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${bed.log("daemon")}`);
  });
  const post = (path: string, body: unknown) =>
    fetch(`${URL_ROOT}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  const topology = {
    networks: [{ name: "pods", cidr: "10.0.0.0/8", block_mask: 26 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  };
  const reply = await post("/topology", topology);
  if (!reply.ok) throw new Error(await reply.text());
  for (let i = 0; i < HOSTS; i++) {
    const added = await post("/hosts", { name: `host-${i}`, ip: `192.168.0.${i + 1}` });
    if (!added.ok) throw new Error(await added.text());
  }
}

let serial = 0;

/** Allocations per second with 64 requests under way. */
async function apiRate(pool: Pool): Promise<number> {
  let left = ALLOCATIONS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const n = serial++;
      const body = JSON.stringify({
        name: `pod-${n}`,
        host: `host-${n % HOSTS}`,
        tenant: "default",
        segment: "default",
      });
      const reply = await pool.request({
        path: "/address",
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      });
      const text = await reply.body.text();
      if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${text}`);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return ALLOCATIONS / ((performance.now() - start) / 1000);
}

export const allocateBench: Bench = {
  name: "allocate",
  about: "POST /address with 64 in flight on sqlite, against single durable sqlite transactions",
  run: () =>
    withBed(async (bed) => {
      await startDaemon(bed);
      const pool = new Pool(URL_ROOT, { connections: IN_FLIGHT });
      const [api, raw]: [number[], number[]] = [[], []];
      await apiRate(pool); // warm
      for (let round = 0; round < ROUNDS; round++) {
        raw.push(rawRate(join(bed.dir, "raw.db")));
        api.push(await apiRate(pool));
      }
      await pool.close();
      return [
        {
          name: "allocations",
          value: median(api),
          unit: "/s",
          peer: { name: "sqlite", value: median(raw) },
          note: `${ROUNDS} rounds of ${ALLOCATIONS}`,
          goal: { kind: "at-least", limit: 1, of: "ratio" },
        },
      ];
    }),
};
