// Allocations through the API of one, three and eight daemons on one member of etcd, against compare-and-set of a bare gRPC client
// on the same member.
import type { ChildProcess } from "node:child_process";
import { type Bed, stop } from "../test/support/bed.ts";
import { type EtcdCluster, startEtcd } from "../test/support/etcd.ts";
import { closedLoopRate, openClients, openLoopTimes } from "./address-load.ts";
import { coresText, watchCpu } from "./cpu-use.ts";
import { openRawClient, rawMembers } from "./etcd.ts";
import { type Bench, type Figure, type Goal, median, quantile } from "./figure.ts";
import { answers, until, withBed } from "./processes.ts";
import { endAdoption } from "./end-adoption.ts";

const FIRST_PORT = 19650;
const IN_FLIGHT = 64;
const COUNT = 8000;
const ROUNDS = 3;
/** Of the latency: short ones in turns, so that what stalls the machine for a moment is not all one side's. */
const SLICES = 30;
const IN_SLICE = 1000;
const HOSTS = 50;

type Ground = { readonly bed: Bed; readonly etcd: EtcdCluster };
type Daemon = { readonly port: number; readonly process: ChildProcess };

async function startDaemon({ bed, etcd }: Ground, index: number): Promise<Daemon> {
  const port = FIRST_PORT + index;
  const store = `etcd:${etcd.urls.join(",")}`;
  const options = ["--listen", `127.0.0.1:${port}`, "--store", store, "--new-cluster"];
  const process = bed.romana(`daemon-${index}`, ["daemon", ...options]);
  await until(`daemon ${index} ready`, () => answers(`http://127.0.0.1:${port}/readyz`));
  await endAdoption(`http://127.0.0.1:${port}`);
  return { port, process };
}

async function post(port: number, path: string, body: unknown): Promise<void> {
  const content = { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", ...content });
  if (!reply.ok) throw new Error(await reply.text());
}

/** One group of 50 hosts, with as many blocks of 64 addresses as they need. */
async function describeCluster({ port }: Daemon): Promise<void> {
  await post(port, "/topology", {
    networks: [{ name: "pods", cidr: "10.0.0.0/13", block_mask: 26 }],
    topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
  });
  for (let i = 0; i < HOSTS; i++) await post(port, "/hosts", { name: `host-${i}`, ip: `192.168.0.${i + 1}` });
}

const openCrowd = (daemons: readonly Daemon[]) =>
  openClients({ ports: daemons.map(({ port }) => port), clients: IN_FLIGHT, hosts: HOSTS });

type Rates = { readonly raw: number[]; readonly api: number[]; readonly cores: string };

/** In turns, so that what slows the machine slows both. */
async function measureRates({ etcd }: Ground, daemons: readonly Daemon[]): Promise<Rates> {
  const raw = openRawClient(etcd.urls[0] ?? "");
  const clients = await openCrowd(daemons);
  const [rates, used] = [{ raw: [] as number[], api: [] as number[] }, [] as string[]];
  await closedLoopRate(clients.members, COUNT * Math.sqrt(daemons.length)); // warm
  await closedLoopRate(rawMembers(raw.compareAndSet, IN_FLIGHT), COUNT);
  for (let round = 0; round < ROUNDS; round++) {
    rates.raw.push(await closedLoopRate(rawMembers(raw.compareAndSet, IN_FLIGHT), COUNT));
    const pids = { etcd: [etcd.members[0]?.pid], daemons: daemons.map((each) => each.process.pid) };
    const cpu = watchCpu({ ...pids, clients: [process.pid] });
    rates.api.push(await closedLoopRate(clients.members, COUNT));
    used.push(coresText(cpu()));
  }
  raw.close();
  clients.close();
  return { ...rates, cores: `cores: ${used.at(-1)}` };
}

/** Milliseconds at half of what each can do. */
async function measureLatency({ etcd }: Ground, daemon: Daemon, rates: Rates) {
  const raw = openRawClient(etcd.urls[0] ?? "");
  const clients = await openCrowd([daemon]);
  const [ours, peers]: [number[], number[]] = [[], []];
  const bare = rawMembers(raw.compareAndSet, IN_FLIGHT);
  for (let slice = 0; slice < SLICES; slice++) {
    peers.push(...(await openLoopTimes(bare, median(rates.raw) / 2, IN_SLICE)));
    ours.push(...(await openLoopTimes(clients.members, median(rates.api) / 2, IN_SLICE)));
  }
  raw.close();
  clients.close();
  return { ours, peers };
}

function throughput(name: string, { raw, api, cores }: Rates, limit: number): Figure {
  const goal: Goal = { kind: "at-least", limit, of: "ratio" };
  const peer = { name: "bare gRPC", value: median(raw) };
  return { name, value: median(api), unit: "/s", peer, goal, note: `${ROUNDS} rounds of ${COUNT}; ${cores}` };
}

/** How much later than the peer, at `q` of all. */
function lateness(
  name: string,
  times: { ours: number[]; peers: number[] },
  q: number,
  limit: number,
): Figure {
  const [ours, peer] = [quantile(times.ours, q), quantile(times.peers, q)];
  const note = `${ours.toFixed(2)} ms, bare gRPC ${peer.toFixed(2)} ms, each at half of its rate; ${SLICES} times ${IN_SLICE} in turns`;
  return { name, value: ours - peer, unit: "ms", goal: { kind: "at-most", limit, of: "value" }, note };
}

async function run(ground: Ground): Promise<Figure[]> {
  const first = await startDaemon(ground, 0);
  await describeCluster(first);
  const one = await measureRates(ground, [first]);
  const times = await measureLatency(ground, first, one);
  const others = [await startDaemon(ground, 1), await startDaemon(ground, 2)];
  const three = await measureRates(ground, [first, ...others]);
  for (let i = 3; i < 8; i++) others.push(await startDaemon(ground, i));
  const eight = await measureRates(ground, [first, ...others]);
  for (const each of others) await stop(each.process);
  const again = await measureRates(ground, [first]);
  const alone = median([...one.api, ...again.api]);
  return [
    throughput("one daemon", one, 1),
    throughput("three daemons together", three, 0.9),
    {
      ...throughput("eight daemons in one group", eight, 0.7),
      peer: { name: "one daemon", value: alone },
    },
    lateness("above raw at half load, p50", times, 0.5, 3),
    lateness("above raw at half load, p99", times, 0.99, 15),
  ];
}

export const etcdAllocateBench: Bench = {
  name: "etcd-allocate",
  about: `POST /address with ${IN_FLIGHT} in flight on one member of etcd, against compare-and-set of a bare gRPC client`,
  run: () =>
    withBed(async (bed) => {
      const etcd = await startEtcd();
      bed.onDispose(() => etcd.dispose());
      return run({ bed, etcd });
    }),
};
