// A daemon on a store of up to 150,000 addresses: from start to ready, memory, and how long one watcher takes to have it all.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type Bed, stop } from "../test/support/bed.ts";
import { startEtcd } from "../test/support/etcd.ts";
import type { Bench, Figure } from "./figure.ts";
import { answers, until, withBed } from "./processes.ts";
import { makeBackup, type Size, SIZES } from "./stored-cluster.ts";

const PORT = 19670;
const URL_ROOT = `http://127.0.0.1:${PORT}`;

/** MiB, VmRSS now or VmHWM at most. */
function memory({ pid }: ChildProcess, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** Seconds until one who asks for everything is synced, and how much it was. */
async function catchUp(): Promise<{ seconds: number; bytes: number }> {
  const start = performance.now();
  const stop = new AbortController();
  const { body } = await fetch(`${URL_ROOT}/watch`, { signal: stop.signal });
  let [bytes, tail] = [0, ""];
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    tail = tail.slice(-100) + Buffer.from(chunk).toString("latin1").slice(-1000);
    if (tail.includes('{"type":"synced"')) break;
  }
  const seconds = (performance.now() - start) / 1000;
  stop.abort();
  return { seconds, bytes };
}

async function measure(bed: Bed, store: string, size: Size): Promise<Figure[]> {
  const file = `${bed.dir}/${size.addresses}.backup`;
  await makeBackup(file, size);
  const [code] = (await once(bed.romana("import", ["store", "import", file, store]), "exit")) as [number];
  if (code !== 0) throw new Error(bed.log("import"));
  const start = performance.now();
  const daemon = bed.romana("daemon", ["daemon", "--listen", `127.0.0.1:${PORT}`, "--store", store]);
  await until("daemon ready", () => answers(`${URL_ROOT}/readyz`));
  const ready = (performance.now() - start) / 1000;
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
      return figures;
    }),
};
