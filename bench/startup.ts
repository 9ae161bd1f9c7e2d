// How long the built program takes from exec to ready: the daemon and the agent until `/readyz` says so, the CLI until it ends.
import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { type Bed, PROGRAM, stop } from "../test/support/bed.ts";
import { type Bench, type Figure, median } from "./figure.ts";
import { until, withBed } from "./processes.ts";

const RUNS = 9;
const DAEMON_PORT = 19600;
const AGENT_PORT = 19607;

/** Whether `/readyz` answers 200; cheap, as who asks shares the processors with who starts. */
const isReady = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, path: "/readyz", agent: false }, (reply) => {
      reply.resume().on("end", () => resolve(reply.statusCode === 200));
    });
    asked.on("error", () => resolve(false)).end();
  });

/** Milliseconds, the median of several runs after one that fills the compile cache. */
async function typical(run: () => number | Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= RUNS; i++) times.push(await run());
  return median(times.slice(1));
}

function timeVersion(): number {
  const start = performance.now();
  spawnSync(process.execPath, [PROGRAM.built, "--version"]);
  return performance.now() - start;
}

/** Starts an app and stops it again; milliseconds until it was ready. */
async function timeStart(bed: Bed, name: string, args: readonly string[], port: number): Promise<number> {
  const start = performance.now();
  const child = bed.romana(name, args);
  await until(`${name} ready`, () => isReady(port), 3).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${bed.log(name)}`);
  });
  const time = performance.now() - start;
  await stop(child);
  return time;
}

const figure = (name: string, value: number, limit: number): Figure => ({
  ...{ name, value, unit: "ms" },
  goal: { kind: "at-most", limit, of: "value" },
});

async function run(bed: Bed): Promise<Figure[]> {
  const store = ["--store", `sqlite:${bed.dir}/romana.db`];
  const daemon = ["daemon", "--listen", `127.0.0.1:${DAEMON_PORT}`, ...store, "--new-cluster"];
  const paths = ["--state-dir", `${bed.dir}/agent`, "--cni-socket", `${bed.dir}/cni.sock`];
  const url = `http://127.0.0.1:${DAEMON_PORT}`;
  const agent = ["agent", "--daemon", url, "--hostname", "bench", "--metrics", `${AGENT_PORT}`, ...paths];
  const version = await typical(timeVersion);
  const daemonTime = await typical(() => timeStart(bed, "daemon", daemon, DAEMON_PORT));
  bed.romana("daemon", daemon);
  await until("the daemon is ready", () => isReady(DAEMON_PORT));
  const agentTime = await typical(() => timeStart(bed, "agent", agent, AGENT_PORT));
  return [
    figure("CLI --version", version, 100),
    figure("daemon", daemonTime, 500),
    figure("agent", agentTime, 500),
  ];
}

export const startupBench: Bench = { name: "startup", about: "exec to ready", run: () => withBed(run) };
