// TCP throughput between two pods across the topology, against two namespaces on the same hosts that are routed by hand.
import type { Clock } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { routeByHand } from "../by-hand.ts";
import { checked, type Run } from "../fabric.ts";
import type { Lab } from "../lab.ts";
import { waitUntil } from "../processes.ts";
import { farPod, nearPod } from "./probes.ts";

/** Gbit/s of one TCP stream, the best of a few. */
export type Throughput = {
  readonly from: string;
  readonly to: string;
  readonly pods: number;
  readonly plain: number;
};

const SECONDS = 1;
/** Taken in turns; the best counts, as what else the machine does only takes away. */
const ROUNDS = 2;

/** `undefined` where the lab has only one host. */
export async function measureThroughput(lab: Lab, clock: Clock): Promise<Throughput | undefined> {
  const { run, plan, namespace } = lab;
  const [from, to] = [nearPod(lab), farPod(lab)];
  const [a, b] = [plan.hosts[0], plan.hosts.at(-1)];
  const target = to?.ips[0];
  if (!from || !to || target === undefined || !a || !b || a === b) return undefined;
  const byHand = await routeByHand({ run, plan, namespace, clock }, [a, b]);
  const plainTarget = byHand.ips.find((ip) => ip.includes(":") === target.includes(":")) ?? "";
  const [pods, plain]: [number[], number[]] = [[], []];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      plain.push(await tcpStream(run, { ...byHand, ip: plainTarget, seconds: SECONDS }, clock));
      const path = { from: lab.netns(from.name), to: lab.netns(to.name), ip: target, seconds: SECONDS };
      pods.push(await tcpStream(run, path, clock));
    }
  } finally {
    await byHand.undo();
  }
  return { from: from.name, to: to.name, pods: Math.max(...pods), plain: Math.max(...plain) };
}

export type StreamPath = {
  /** Paths of namespaces. */
  readonly from: string;
  readonly to: string;
  /** Address of `to`. */
  readonly ip: string;
  readonly seconds: number;
};

/** Gbit/s that the receiver got of one TCP stream. UnavailableError `LAB_IPERF`. */
export async function tcpStream(run: Run, path: StreamPath, clock: Clock): Promise<number> {
  const { from, to, ip, seconds } = path;
  const server = run(["iperf3", "-s", "-1"], { netns: to, timeout: seconds * 1000 + 15_000 });
  const client = async (): Promise<string> => {
    await untilListening(run, to, clock);
    const argv = ["iperf3", "-c", ip, "-t", String(seconds), "-J"];
    return (await checked(run, argv, { netns: from, timeout: seconds * 1000 + 10_000 })).stdout;
  };
  const [stdout] = await Promise.all([client(), server]);
  const result = JSON.parse(stdout) as { end?: { sum_received?: { bits_per_second?: number } } };
  const bits = result.end?.sum_received?.bits_per_second;
  if (bits === undefined)
    throw new UnavailableError({ code: "LAB_IPERF", from, to, found: stdout.slice(0, 200) });
  return bits / 1e9;
}

async function untilListening(run: Run, netns: string, clock: Clock): Promise<void> {
  const listens = async (): Promise<boolean> =>
    (await run(["ss", "-Hltn", "sport = :5201"], { netns })).stdout !== "";
  if (!(await waitUntil(listens, clock, 5))) throw new UnavailableError({ code: "LAB_IPERF", netns });
}
