// A daemon on a store of up to 150,000 addresses: from start to ready, memory, and how long one watcher takes to have it all.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type Bed, stop } from "../test/support/bed.ts";
import { startEtcd } from "../test/support/etcd.ts";
import type { Bench, Figure } from "./figure.ts";
import { answers, until, withBed } from "./processes.ts";
import { makeBackup, type Size, SIZES } from "./stored-cluster.ts";
import { endAdoption } from "./end-adoption.ts";

const PORT = 19670;
const URL_ROOT = `http://127.0.0.1:${PORT}`;

/** MiB, VmRSS now or VmHWM at most. */
function memory({ pid }: ChildProcess, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** Seconds until one who asks for everything is synced, or for a node's share has it, and how much it was. */
async function catchUp(query = "", end = "synced"): Promise<{ seconds: number; bytes: number }> {
  const start = performance.now();
  const stop = new AbortController();
  const { body } = await fetch(`${URL_ROOT}/watch${query}`, { signal: stop.signal });
  let [bytes, tail] = [0, ""];
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    tail = tail.slice(-100) + Buffer.from(chunk).toString("latin1");
    if (tail.includes(`{"type":"${end}"`)) break;
  }
  const seconds = (performance.now() - start) / 1000;
  stop.abort();
  return { seconds, bytes };
}

async function importBackup(bed: Bed, store: string, size: Size): Promise<void> {
  const file = `${bed.dir}/${size.addresses}-${size.policies ?? 0}.backup`;
  await makeBackup(file, size);
  const [code] = (await once(bed.romana("import", ["store", "import", file, store]), "exit")) as [number];
  if (code !== 0) throw new Error(bed.log("import"));
}

async function measure(bed: Bed, store: string, size: Size): Promise<Figure[]> {
  await importBackup(bed, store, size);
  const { daemon, ready } = await startDaemon(bed, store);
  const { seconds, bytes } = await catchUp();
  const [resident, most] = [memory(daemon, "VmRSS"), memory(daemon, "VmHWM")];
  await stop(daemon);
  const atMost = (limit: number) =>
    size === SIZES.at(-1) ? { goal: { kind: "at-most", limit, of: "value" } as const } : {};
  const of = `${store.split(":")[0]}, ${size.addresses} addresses`;
  const note = `at most; ${resident.toFixed(0)} MiB after the watcher caught up`;
  return [
    { name: `${of}: start to ready`, value: ready, unit: "s", ...atMost(5) },
    { name: `${of}: memory`, value: most, unit: "MiB", ...atMost(600), note },
    { name: `${of}: a watcher's catch-up`, value: seconds, unit: "s", ...atMost(2), note: `${bytes} bytes` },
  ];
}

async function startDaemon(bed: Bed, store: string): Promise<{ daemon: ChildProcess; ready: number }> {
  const start = performance.now();
  const daemon = bed.romana("daemon", ["daemon", "--listen", `127.0.0.1:${PORT}`, "--store", store]);
  await until("daemon ready", () => answers(`${URL_ROOT}/readyz`));
  return { daemon, ready: (performance.now() - start) / 1000 };
}

/** With policies: until a node that follows from the start has its share, for which all policies and pods were read and put in relation. */
async function measurePolicies(bed: Bed, size: Size): Promise<Figure[]> {
  const store = `sqlite:${bed.dir}/policies.db`;
  await importBackup(bed, store, size);
  const { daemon, ready } = await startDaemon(bed, store);
  await endAdoption(URL_ROOT);
  const { seconds, bytes } = await catchUp("?host=node-0&subnets=&policy=node-0", "policy");
  const most = memory(daemon, "VmHWM");
  await stop(daemon);
  const of = `sqlite, ${size.addresses} pods, ${size.policies} policies`;
  return [
    { name: `${of}: start to ready`, value: ready, unit: "s" },
    { name: `${of}: memory`, value: most, unit: "MiB", note: "at most" },
    { name: `${of}: a node's share`, value: seconds, unit: "s", note: `after ready; ${bytes} bytes` },
  ];
}

export const scaleBench: Bench = {
  name: "scale",
  about: "a daemon on 15,000 to 150,000 addresses, on sqlite and on etcd",
  run: () =>
    withBed(async (bed) => {
      const figures: Figure[] = [];
      for (const size of SIZES) {
        figures.push(...(await measure(bed, `sqlite:${bed.dir}/${size.addresses}.db`, size)));
        const etcd = await startEtcd();
        bed.onDispose(() => etcd.dispose());
        figures.push(...(await measure(bed, `etcd:${etcd.urls.join(",")}`, size)));
        await etcd.dispose();
      }
      const [largest] = SIZES.slice(-1);
      if (largest) figures.push(...(await measurePolicies(bed, { ...largest, policies: 5000 })));
      return figures;
    }),
};
