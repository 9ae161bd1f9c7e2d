// Backups of 17,100 and 171,001 records: how long they take, what they need of memory, and what a daemon's clients feel of one.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Pool } from "undici";
import { encodeAddress, encodeBlock, encodeHost } from "../src/core/model/codec.ts";
import { encodeTopology } from "../src/core/model/codec-topology.ts";
import { addressKey, blockKey, hostKey, topologyKey } from "../src/core/model/keys.ts";
import { RECORDS_SCHEMA } from "../src/core/model/schema.ts";
import { parseCidr } from "../src/core/net/cidr.ts";
import { parseIp } from "../src/core/net/ip.ts";
import { parseTopology } from "../src/core/topology/parse-topology.ts";
import { saveBackup } from "../src/io/store/backup/backup-file.ts";
import type { Pair, RecordPage } from "../src/io/store/backup/backup-lines.ts";
import { writeBackup } from "../src/io/store/backup/write-backup.ts";
import { compareKeys } from "../src/io/store/key-order.ts";
import type { Bed } from "../test/support/bed.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { answers, pause, until, withBed } from "./processes.ts";

const PORT = 19640;
const URL_ROOT = `http://127.0.0.1:${PORT}`;
const HOSTS = 1000;
const SIZES = [
  { blocks: 2000, addresses: 15_000 },
  { blocks: 20_000, addresses: 150_000 },
] as const;
type Size = (typeof SIZES)[number];

const ipAt = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
const count = ({ blocks, addresses }: Size): number => blocks + addresses + HOSTS + 1;

/** As a cluster of that size has them: /29, seven or eight addresses each. */
function* records({ blocks, addresses }: Size): Generator<Pair> {
  const topology = parseTopology({
    networks: [{ name: "pods", cidr: "10.0.0.0/8", block_mask: 29 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  });
  if (topology.kind === "valid") yield { key: topologyKey, value: encodeTopology(topology.topology) };
  for (let i = 0; i < HOSTS; i++) yield hostRecord(`node-${i}`, i);
  for (let b = 0; b < blocks; b++) {
    const block = { cidr: parseCidr(`${ipAt(8 * b)}/29`), network: "pods", host: `node-${b % HOSTS}` };
    const owner = { tenant: `tenant-${b % 50}`, segment: "default" };
    const names = namesOf(b, addresses / blocks);
    const slots = new Map(names.map((name, s) => [s, { state: "used", name, sequence: 1e12 + b } as const]));
    const sequence = 1e12 + b;
    yield {
      key: blockKey(block.cidr),
      value: encodeBlock({ ...block, ...owner, group: "all", sequence, slots }),
    };
    for (const [s, name] of names.entries()) {
      const ips = [{ ip: parseIp(ipAt(8 * b + s)), network: "pods", block: block.cidr }];
      const address = { name, host: block.host, ...owner, sequence, ips, pod: `tenant/${name}` };
      yield { key: addressKey(name), value: encodeAddress(address) };
    }
  }
}

const namesOf = (block: number, each: number): string[] => {
  const [from, to] = [Math.floor(block * each), Math.floor((block + 1) * each)];
  return Array.from({ length: to - from }, (_, i) => `k8s-pod-network.${from + i}.eth0`);
};

function hostRecord(name: string, i: number): Pair {
  const ips = [parseIp(`172.16.${i >> 8}.${i & 255}`)];
  const host = { name, ips, tags: {}, agentPort: 9607, k8sInfo: {}, groups: ["all"] };
  return { key: hostKey(name), value: encodeHost(host) };
}

async function makeBackup(path: string, size: Size): Promise<void> {
  const pairs = [...records(size)].sort((a, b) => compareKeys(a.key, b.key));
  const header = {
    ...{ romana_backup: 1, cluster: "bench", generation: 0, revision: 1, schema: RECORDS_SCHEMA },
    taken: new Date().toISOString(),
  };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    async function* pages(): AsyncGenerator<RecordPage> {
      for (let i = 0; i < pairs.length; i += 1000) yield { header, pairs: pairs.slice(i, i + 1000) };
    }
    for await (const text of writeBackup(pages())) yield Buffer.from(text);
  }
  await saveBackup(path, bytes());
}

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
  const headers = { "content-type": "application/json" };
  await fetch(`${URL_ROOT}/ipam/adopt`, { method: "POST", headers, body: '{"force":true}' });
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
