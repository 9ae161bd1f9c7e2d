// Agents' streams on one daemon while blocks come, each of which concerns the 40 hosts of a segment.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Bed } from "../test/support/bed.ts";
import { stop } from "../test/support/bed.ts";
import { ApiConnection } from "./api-connection.ts";
import { coresText, watchCpu } from "./cpu-use.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { answers, pause, until, withBed } from "./processes.ts";
import { makeBackup, SEGMENT } from "./stored-cluster.ts";
import { endAdoption } from "./end-adoption.ts";

const PORT = 19660;
const URL_ROOT = `http://127.0.0.1:${PORT}`;
/** Watchers; the goal is for the last. */
const SIZES = [1200, 2400, 5000];
const EACH_PROCESS = 1000;
const RATE = 100;
const SECONDS = 10;
const HOSTS = SIZES.at(-1) ?? 0;

async function startDaemon(bed: Bed): Promise<ChildProcess> {
  const [file, store] = [`${bed.dir}/hosts.backup`, `sqlite:${bed.dir}/romana.db`];
  await makeBackup(file, { hosts: HOSTS, blocks: 20_000, addresses: 40_000 });
  const [code] = (await once(bed.romana("import", ["store", "import", file, store]), "exit")) as [number];
  if (code !== 0) throw new Error(bed.log("import"));
  const daemon = bed.romana("daemon", ["daemon", "--listen", `127.0.0.1:${PORT}`, "--store", store]);
  await until("daemon ready", () => answers(`${URL_ROOT}/readyz`));
  await endAdoption(URL_ROOT);
  return daemon;
}

/** Agents of hosts from `from` to `to`, in a process of their own. */
async function startAgents(bed: Bed, from: number, to: number): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, "watch-clients.ts"), [PORT, from, to].map(String));
  bed.onDispose(() => stop(child, "SIGKILL"));
  const [said] = (await once(child, "message")) as [unknown];
  if (said !== "ready") throw new Error(`agents: ${String(said)}`);
  return child;
}

/** New blocks of hosts that are watched, at a steady rate; resolves when the last is committed. */
async function makeBlocks(connection: ApiConnection, hosts: number): Promise<void> {
  const start = performance.now();
  for (let i = 0; i < RATE * SECONDS; i++) {
    await pause(Math.max(0, start + (i * 1000) / RATE - performance.now()));
    const tenant = `t-${process.hrtime.bigint()}`;
    const host = `node-${(i * 7919) % hosts}`;
    await connection.post("/address", JSON.stringify({ name: `pod-${tenant}`, host, tenant }));
  }
}

async function measure(
  daemon: ChildProcess,
  agents: readonly ChildProcess[],
  count: number,
): Promise<Figure[]> {
  const connection = await ApiConnection.open(PORT);
  const cores = watchCpu({ daemon: [daemon.pid], agents: agents.map(({ pid }) => pid) });
  await makeBlocks(connection, count);
  const used = cores();
  connection.close();
  await pause(1000);
  const times: number[] = [];
  for (const agent of agents) {
    agent.send("report");
    for (const time of (await once(agent, "message"))[0] as number[]) times.push(time);
  }
  const expected = RATE * SECONDS * SEGMENT;
  if (times.length !== expected) throw new Error(`${times.length} deliveries, not ${expected}`);
  const isLast = count === HOSTS;
  const atMost = (limit: number) =>
    isLast ? { goal: { kind: "at-most", limit, of: "value" } as const } : {};
  const note = `p50 ${quantile(times, 0.5).toFixed(1)} ms, longest ${Math.max(...times).toFixed(1)} ms, of ${times.length}`;
  return [
    {
      name: `delivery to ${count} agents, p99`,
      value: quantile(times, 0.99),
      unit: "ms",
      ...atMost(500),
      note,
    },
    {
      name: `daemon, ${count} agents`,
      value: used["daemon"] ?? NaN,
      unit: "cores",
      ...atMost(0.5),
      note: `cores: ${coresText(used)}`,
    },
  ];
}

async function run(bed: Bed): Promise<Figure[]> {
  const daemon = await startDaemon(bed);
  const agents: ChildProcess[] = [];
  const figures: Figure[] = [];
  for (const [i, size] of SIZES.entries()) {
    for (let from = SIZES[i - 1] ?? 0; from < size; from += EACH_PROCESS)
      agents.push(await startAgents(bed, from, Math.min(size, from + EACH_PROCESS)));
    figures.push(...(await measure(daemon, agents, size)));
  }
  return figures;
}

export const watchersBench: Bench = {
  name: "watchers",
  about: `${RATE} new blocks a second, each of which concerns ${SEGMENT} agents`,
  run: () => withBed(run),
};
