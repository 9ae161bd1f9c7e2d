// Backups of 17,100 and 171,001 records: how long they take, what they need of memory, and what a daemon's clients feel of one.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Pool } from "undici";
import type { Bed } from "../test/support/bed.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { count, makeBackup, type Size } from "./stored-cluster.ts";
import { answers, pause, until, withBed } from "./processes.ts";
import { endAdoption } from "./end-adoption.ts";

const PORT = 19640;
const URL_ROOT = `http://127.0.0.1:${PORT}`;
const HOSTS = 1000;
const SIZES = [
  { hosts: HOSTS, blocks: 2000, addresses: 15_000 },
  { hosts: HOSTS, blocks: 20_000, addresses: 150_000 },
] as const;

type Run = { readonly seconds: number; readonly peak: number };

/** `romana …` to its end; MiB of memory at most. */
async function measure(bed: Bed, ...words: string[]): Promise<Run> {
  const start = performance.now();
  const child = bed.romana("store", words);
  const exit = once(child, "exit");
  let peak = 0;
  while (child.exitCode === null && child.signalCode === null) {
    peak = Math.max(peak, peakMemory(child.pid));
    await Promise.race([exit, pause(20)]);
  }
  if (child.exitCode !== 0) throw new Error(bed.log("store"));
  return { seconds: (performance.now() - start) / 1000, peak };
}

function peakMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

async function measureOffline(bed: Bed, size: Size): Promise<Figure[]> {
  const [file, store] = [`${bed.dir}/${size.blocks}.backup`, `sqlite:${bed.dir}/${size.blocks}.db`];
  await makeBackup(file, size);
  const runs = {
    import: await measure(bed, "store", "import", file, store),
    export: await measure(bed, "store", "export", store, `${file}-2`),
    verify: await measure(bed, "store", "verify", file),
  };
  return Object.entries(runs).flatMap(([name, { seconds, peak }]) => [
    { name: `${name}, ${count(size)} records`, value: seconds, unit: "s" },
    { name: `${name}, ${count(size)} records, memory at most`, value: peak, unit: "MiB" },
  ]);
}

/** Milliseconds of each of the allocations made one after the other until `over`. */
async function allocateUntil(pool: Pool, prefix: string, over: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let isOver = false;
  void over.finally(() => (isOver = true));
  for (let i = 0; !isOver; i++) {
    const start = performance.now();
    const body = JSON.stringify({ name: `${prefix}-${i}`, host: `node-${i % HOSTS}`, tenant: "bench" });
    const headers = { "content-type": "application/json" };
    const reply = await pool.request({ path: "/address", method: "POST", body, headers });
    const text = await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(text);
    times.push(performance.now() - start);
  }
  return times;
}

async function measureOnline(bed: Bed, size: Size): Promise<Figure[]> {
  const store = `sqlite:${bed.dir}/${size.blocks}.db`;
  bed.romana("daemon", ["daemon", "--listen", `127.0.0.1:${PORT}`, "--store", store]);
  await until("daemon ready", () => answers(`${URL_ROOT}/readyz`));
  await endAdoption(URL_ROOT);
  const pool = new Pool(URL_ROOT, { connections: 4 });
  await allocateUntil(pool, "warm", pause(1000));
  const before = await allocateUntil(pool, "before", pause(3000));
  const backup = measure(bed, "backup", `${bed.dir}/online.backup`, "-r", URL_ROOT);
  const during = await allocateUntil(pool, "during", backup);
  await pool.close();
  const peer = { name: "without", value: quantile(before, 0.99) };
  return [
    { name: `romana backup, ${count(size)} records`, value: (await backup).seconds, unit: "s" },
    { name: "an allocation meanwhile, p99", value: quantile(during, 0.99), unit: "ms", peer },
    { name: "the longest allocation meanwhile", value: Math.max(...during), unit: "ms" },
  ];
}

export const backupBench: Bench = {
  name: "backup",
  about: "export, import and backup of a store of 1,000 hosts",
  run: () =>
    withBed(async (bed) => {
      const [small, large] = SIZES;
      const offline = [...(await measureOffline(bed, small)), ...(await measureOffline(bed, large))];
      return [...offline, ...(await measureOnline(bed, large))];
    }),
};
