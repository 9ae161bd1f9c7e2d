// How long the built program takes from exec to ready: the daemon and the agent until `/readyz` says so, the CLI until it ends.
import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { type Bed, ip, PROGRAM, stop } from "../test/support/bed.ts";
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

/** Starts an app and stops it again; milliseconds until it was `ready`. */
async function timeStart(
  bed: Bed,
  name: string,
  args: readonly string[],
  ready: () => Promise<unknown>,
  netns?: string,
): Promise<number> {
  const start = performance.now();
  const child = bed.romana(name, args, netns);
  await ready().catch((error: unknown) => {
    throw new Error(`${String(error)}\n${bed.log(name)}`);
  });
  const time = performance.now() - start;
  await stop(child);
  return time;
}

/** Resolves when `/readyz` answers 200 inside a namespace, where this process cannot ask. */
async function readyInside(bed: Bed, netns: string, port: number): Promise<void> {
  const ask = `until busybox wget -q -O /dev/null http://127.0.0.1:${port}/readyz; do sleep 0.005; done`;
  const child = bed.start("ask", ["timeout", "20", "sh", "-c", ask], netns);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error("not ready within 20 s");
}

/** On a node of its own: an agent changes the routes and settings of the namespace it is in. */
async function timeAgent(bed: Bed, daemon: readonly string[]): Promise<number> {
  const netns = bed.netns("node");
  const ns = netns.split("/").at(-1) ?? "";
  ip("-n", ns, "link", "add", "eth0", "type", "veth", "peer", "name", "wire");
  for (const link of ["eth0", "wire"]) ip("-n", ns, "link", "set", link, "up");
  ip("-n", ns, "addr", "add", "192.168.0.1/24", "dev", "eth0");
  ip("-n", ns, "route", "add", "default", "via", "192.168.0.254");
  bed.romana("daemon", daemon, netns);
  await readyInside(bed, netns, DAEMON_PORT);
  const paths = ["--state-dir", `${bed.dir}/agent`, "--cni-socket", `${bed.dir}/cni.sock`];
  const options = ["--daemon", `http://127.0.0.1:${DAEMON_PORT}`, "--hostname", "bench"];
  const args = ["agent", ...options, "--metrics", `${AGENT_PORT}`, ...paths];
  return typical(() => timeStart(bed, "agent", args, () => readyInside(bed, netns, AGENT_PORT), netns));
}

const figure = (name: string, value: number, limit: number): Figure => ({
  ...{ name, value, unit: "ms" },
  goal: { kind: "at-most", limit, of: "value" },
});

async function run(bed: Bed): Promise<Figure[]> {
  const store = ["--store", `sqlite:${bed.dir}/romana.db`];
  const daemon = ["daemon", "--listen", `127.0.0.1:${DAEMON_PORT}`, ...store, "--new-cluster"];
  const daemonReady = (): Promise<void> => until("the daemon is ready", () => isReady(DAEMON_PORT), 3);
  const version = await typical(timeVersion);
  const daemonTime = await typical(() => timeStart(bed, "daemon", daemon, daemonReady));
  const agentTime = await timeAgent(bed, daemon);
  return [
    figure("CLI --version", version, 100),
    figure("daemon", daemonTime, 500),
    figure("agent", agentTime, 500),
  ];
}

export const startupBench: Bench = {
  name: "startup",
  about: "exec to ready",
  needsRoot: true,
  run: () => withBed(run),
};
