// How long an agent hears nothing when it loses its replica of the daemon: from then until its node's kernel has the route to what was written
// through another replica right after. Three daemons on three members of etcd, all real processes in namespaces of their own.
import { FAILOVERS } from "../lab/faults/failovers.ts";
import { type FaultBed, startFaultBed } from "../lab/faults/bed/fault-bed.ts";
import { type FaultNode, giveFar, startFaultNode } from "../lab/faults/bed/fault-node.ts";
import { parseIp } from "../src/core/net/ip.ts";
import { eventually } from "../test/support/eventually.ts";
import { type Way, waysOf } from "../test/support/route-monitor.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { pause, withBed } from "./processes.ts";

const TIMES = 20;
/** Milliseconds for which a replica has been followed, as in life, before it is lost. */
const FOLLOWED = 1500;
/** What is measured of these is not the agent alone. */
const NOTES: Readonly<Record<string, string>> = {
  "its daemon and the leader of etcd are killed": "nothing can be written until etcd has elected another",
  "its daemon is parted from etcd": "it serves what it knows, and says when it is behind",
};

export const failoverBench: Bench = {
  name: "failover",
  about: "an agent goes on at another replica of the daemon",
  needsRoot: true,
  run: () =>
    withBed(async (bed) => {
      const faultBed = await startFaultBed(bed, { members: 3, daemons: 3, clients: 1 });
      const [place] = faultBed.clients;
      if (!place) throw new Error("no node");
      const node = await startFaultNode(faultBed, place);
      const figures: Figure[] = [];
      let lost = 0;
      for (const [what, strike] of Object.entries(FAILOVERS)) {
        const times: number[] = [];
        for (let i = 0; i < TIMES; i++) times.push(await once(faultBed, node, strike, lost++));
        figures.push(...figuresOf(what, times));
      }
      return figures;
    }),
};

type Strike = (typeof FAILOVERS)[keyof typeof FAILOVERS];

async function once(bed: FaultBed, node: FaultNode, strike: Strike, n: number): Promise<number> {
  const daemon = await node.followed();
  const other = bed.daemons.find((each) => each !== daemon);
  if (!other) throw new Error("no other daemon");
  await pause(FOLLOWED);
  const begun = performance.now();
  const heal = await strike(bed, node.place, daemon);
  const { ip, to } = await giveFar(other, "tenant-0", n);
  const { at } = await eventually(() => lastWay(ip, to, node), { within: 60_000 });
  await heal();
  return at - begun;
}

function lastWay(ip: string, to: string, { routes }: FaultNode): Way {
  const way = waysOf(parseIp(ip), routes).at(-1);
  if (way?.to !== to) throw new Error(`${ip} does not lead ${to}`);
  return way;
}

function figuresOf(what: string, times: readonly number[]): Figure[] {
  const note = NOTES[what];
  const most = { name: `${what}: longest until the agent goes on`, value: Math.max(...times), unit: "ms" };
  return [
    { name: `${what}: median until the agent goes on`, value: quantile(times, 0.5), unit: "ms" },
    note === undefined
      ? { ...most, goal: { kind: "at-most", limit: 2000, of: "value" }, note: `${times.length} times` }
      : { ...most, note: `${times.length} times; ${note}` },
  ];
}
