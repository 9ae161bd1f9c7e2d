// Plain forwarding: two pods across zones of a lab, against two namespaces on the same hosts that are routed by hand. Beside it, as a
// report, the same by hand on a second fabric that never saw Romana: what the hosts' rule (table 10 before main) costs a packet.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Fabric, routeByHand } from "../src/apps/lab/by-hand.ts";
import { buildFabric, checked, netnsPath, type Run, runOf } from "../src/apps/lab/fabric.ts";
import type { Lab } from "../src/apps/lab/lab.ts";
import { removeNamespaces } from "../src/apps/lab/namespaces.ts";
import { farPod, nearPod } from "../src/apps/lab/report/probes.ts";
import { tcpStream } from "../src/apps/lab/report/throughput.ts";
import { removeLab, startLab } from "../src/apps/lab/start-lab.ts";
import { systemClock, systemRng } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { parseTopology } from "../src/core/topology/parse-topology.ts";
import type { Bed } from "../test/support/bed.ts";
import { startNativeHelper } from "../src/io/kernel/native-helper.ts";
import { type Bench, type Figure, pairedRatio } from "./figure.ts";
import { withBed } from "./processes.ts";

const ROUNDS = 24;
const STREAM_SECONDS = 1;
const PINGS = 400;

type Path = { readonly from: string; readonly to: string; readonly ip: string };
const sides = ["pods", "byHand", "bare"] as const;
type Side = (typeof sides)[number];
type Round = Record<Side, number>;

export const forwardBench: Bench = {
  name: "forward",
  about: `pods across zones against namespaces routed by hand over the same hops, ${ROUNDS} interleaved pairs`,
  needsRoot: true,
  run: () =>
    withBed(async (bed, signal) => {
      // One of the bench's own: the lab's ends with Ctrl-C, and everything is undone after it.
      const helper = await startNativeHelper({ log: silentLog });
      bed.onDispose(() => helper.close());
      const run = runOf(helper);
      const lab = await startPods(bed, run, signal);
      const own = { plan: lab.plan, run, clock: systemClock };
      const paths: Record<Side, Path> = {
        pods: podPath(lab),
        byHand: await byHandPath(bed, { ...own, namespace: lab.namespace }),
        bare: await barePath(bed, { ...own, namespace: (node) => `rom-bench-${process.pid}-${node}` }),
      };
      const tcp = await inTurns(paths, (path) => throughput(run, path));
      const rtt = await inTurns(paths, (path) => roundTrip(run, path));
      const [streams, echoes] = [`${STREAM_SECONDS} s streams`, `mean of the middle 80 % of ${PINGS} echoes`];
      return [
        {
          ...figureOf("TCP throughput", "Gbit/s", tcp, "byHand", streams),
          goal: { kind: "at-least", limit: 0.97, of: "ratio" },
        },
        {
          ...figureOf("round trip", "us", rtt, "byHand", echoes),
          goal: { kind: "at-most", limit: 1.03, of: "ratio" },
        },
        figureOf("TCP, hosts without a rule", "Gbit/s", tcp, "bare", streams),
        figureOf("round trip, hosts without a rule", "us", rtt, "bare", echoes),
      ];
    }),
};

/** The lab's own topology with a host in each rack and a pod on each host. */
async function startPods(bed: Bed, run: Run, signal: AbortSignal): Promise<Lab> {
  const topologyFile = join(import.meta.dirname, "../lab/topologies/default.yaml");
  const parsed = parseTopology(parse(readFileSync(topologyFile, "utf8")));
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.faults));
  const deps = { clock: systemClock, rng: systemRng, log: silentLog, progress: () => undefined };
  const lab = await startLab(
    { topology: parsed.topology, topologyFile, hostsPerRack: 1, podsPerHost: 1, logLevel: "warn" },
    { ...deps, signal },
    (id) => bed.onDispose(() => removeLab(id, { run, clock: systemClock })),
  );
  bed.onDispose(() => lab.leave());
  return lab;
}

function podPath(lab: Lab): Path {
  const [from, to] = [nearPod(lab), farPod(lab)];
  if (!from || !to) throw new Error("bench: no pods");
  return { from: lab.netns(from.name), to: lab.netns(to.name), ip: to.ips[0] ?? "" };
}

/** The lab's underlay once more, without Romana. */
async function barePath(bed: Bed, fabric: Fabric): Promise<Path> {
  const { plan, run, namespace } = fabric;
  const namespaces = plan.nodes.map(({ name }) => namespace(name));
  bed.onDispose(() => removeNamespaces(namespaces, fabric));
  await buildFabric(plan, fabric);
  for (const { name } of plan.hosts)
    await checked(run, ["sysctl", "-qw", "net.ipv4.ip_forward=1"], { netns: netnsPath(namespace(name)) });
  return byHandPath(bed, fabric);
}

/** Two namespaces on the first and the last host of the fabric. */
async function byHandPath(bed: Bed, fabric: Fabric): Promise<Path> {
  const [a, b] = [fabric.plan.hosts[0], fabric.plan.hosts.at(-1)];
  if (!a || !b) throw new Error("bench: no hosts");
  const { from, to, ips, undo } = await routeByHand(fabric, [a, b]);
  bed.onDispose(undo);
  return { from, to, ip: ips[0] ?? "" };
}

/** A value of each side a round; who goes first changes, as the next finds a warmer machine. */
async function inTurns(
  paths: Record<Side, Path>,
  measure: (path: Path) => Promise<number>,
): Promise<Round[]> {
  const rounds: Round[] = [];
  // The first is thrown away: neighbours, routes and processor are cold.
  for (let round = 0; round <= ROUNDS; round++) {
    const values: Round = { pods: 0, byHand: 0, bare: 0 };
    for (let turn = 0; turn < sides.length; turn++) {
      const side = sides[(round + turn) % sides.length] ?? "pods";
      values[side] = await measure(paths[side]);
    }
    rounds.push(values);
  }
  return rounds.slice(1);
}

function figureOf(
  name: string,
  unit: string,
  rounds: readonly Round[],
  peer: "byHand" | "bare",
  note: string,
): Figure {
  const mean = (side: Side): number => rounds.reduce((sum, round) => sum + round[side], 0) / rounds.length;
  return {
    name,
    value: mean("pods"),
    unit,
    peer: { name: "by hand", value: mean(peer) },
    interval: pairedRatio(rounds.map((round) => ({ ours: round.pods, peer: round[peer] }))),
    note: `${rounds.length} pairs, ${note}`,
  };
}

const throughput = (run: Run, path: Path): Promise<number> =>
  tcpStream(run, { ...path, seconds: STREAM_SECONDS }, systemClock);

/**
 * Microseconds; echoes sent as soon as the last one is back. Not the median: ping tells whole microseconds, of which one is more than the
 * goal's margin. A tenth at either end is what else the machine does.
 */
async function roundTrip(run: Run, { from, ip }: Path): Promise<number> {
  const argv = ["ping", "-n", "-A", "-c", String(PINGS), "-W", "1", ip];
  const { stdout } = await checked(run, argv, { netns: from });
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]) * 1000);
  if (times.length < PINGS) throw new Error(`bench: echoes lost:\n${stdout.slice(-300)}`);
  const middle = times.sort((a, b) => a - b).slice(PINGS / 10, PINGS - PINGS / 10);
  return middle.reduce((sum, time) => sum + time, 0) / middle.length;
}
