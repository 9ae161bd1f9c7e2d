// The listener at the size of a large cluster: from exec until it has heard all and told the daemon all, and the memory that it then has.
import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Bed } from "../test/support/bed.ts";
import type { Bench, Figure } from "./figure.ts";
import { answers, pause, withBed } from "./processes.ts";
import { type Recorded, startRecorded } from "./recorded-kube.ts";

const NODES = 5000;
const PODS = 150_000;
const PORT = 19608;
/** Milliseconds: far beyond the goal. */
const PATIENCE = 600_000;

async function measure(bed: Bed, recorded: Recorded): Promise<readonly Figure[]> {
  const kubeconfig = `${bed.dir}/kubeconfig`;
  writeFileSync(kubeconfig, kubeconfigOf(recorded.url));
  const options = ["--daemon", recorded.url, "--kubeconfig", kubeconfig, "--metrics", `127.0.0.1:${PORT}`];
  const start = performance.now();
  const listener = bed.romana("listener", ["listener", ...options]);
  await untilReady(bed);
  const seconds = (performance.now() - start) / 1000;
  const { hosts, pods } = recorded.told;
  if (hosts.size !== NODES || pods !== PODS) throw new Error(`told of ${hosts.size} nodes and ${pods} pods`);
  return [
    figure("until ready", seconds, "s", 20),
    { name: "processor time until then", value: processorTime(listener), unit: "s" },
    figure("memory at most", peakMemory(listener), "MiB", 600),
  ];
}

async function untilReady(bed: Bed): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!(await answers(`http://127.0.0.1:${PORT}/readyz`))) {
    if (performance.now() > end) throw new Error(`not ready: ${bed.log("listener")}`);
    await pause(100);
  }
}

/** Seconds, of all threads: fields 14 and 15 of proc_pid_stat(5), in ticks of a hundredth. */
function processorTime({ pid }: ChildProcess): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

/** MiB, the most that was resident at any time. */
function peakMemory({ pid }: ChildProcess): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) / 1024;
}

const kubeconfigOf = (server: string): string =>
  JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server } }],
    users: [{ name: "u", user: { token: "recorded" } }],
  });

const figure = (name: string, value: number, unit: string, limit: number): Figure => ({
  ...{ name, value, unit },
  goal: { kind: "at-most", limit, of: "value" },
});

export const listenerBench: Bench = {
  name: "listener",
  about: `${NODES} nodes and ${PODS} pods, as recorded: until the daemon is told all, and memory`,
  run: () =>
    withBed(async (bed) => {
      const recorded = await startRecorded(NODES, PODS);
      try {
        return await measure(bed, recorded);
      } finally {
        recorded.close();
      }
    }),
};
