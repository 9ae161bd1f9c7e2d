// From the reply of an ADD that needs a new block to the block's route in another node's kernel, 8 nodes.
import { containsIp, parseCidr } from "../src/core/net/cidr.ts";
import type { Ip } from "../src/core/net/ip.ts";
import { monitorRoutes, type RouteMonitor } from "../test/support/route-monitor.ts";
import { type BenchHost, cni, startCluster } from "./cluster.ts";
import { type Bench, quantile } from "./figure.ts";
import { pause, until, withBed } from "./processes.ts";

const NODES = 8;
const ROUNDS = 300;
/** Milliseconds in which the changes of one block are all told: the last of them counts. */
const SETTLED = 30;

export const convergeBench: Bench = {
  name: "converge",
  about: `ADD reply to route on another node, ${NODES} nodes`,
  needsRoot: true,
  run: () =>
    withBed(async (bed) => {
      const { hosts } = await startCluster(bed, NODES);
      const [maker, observer] = [hosts[0], hosts[NODES - 1]];
      if (!maker || !observer) throw new Error("no hosts");
      const monitor = monitorRoutes(bed, observer.netns);
      await pause(300);
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++)
        times.push(await once(maker, bed.netns(`p${round}`), round, monitor));
      const note = `${ROUNDS} new blocks; negative: the route was there before the reply; BIRD's 2.5 ms is the figure to compare`;
      return [
        {
          name: "p50",
          value: quantile(times, 0.5),
          unit: "ms",
          note,
          goal: { kind: "at-most", limit: 4, of: "value" },
        },
        {
          name: "p99",
          value: quantile(times, 0.99),
          unit: "ms",
          goal: { kind: "at-most", limit: 20, of: "value" },
        },
      ];
    }),
};

/** A pod of a tenant of its own makes a new block. Negative where the route was there before the reply was read. */
async function once(
  maker: BenchHost,
  netns: string,
  round: number,
  { lines }: RouteMonitor,
): Promise<number> {
  const from = lines.length;
  const { stdout } = await cni(maker, "ADD", `pod-${round}`, netns, `ROMANA_TENANT=tenant-${round}`);
  const replied = performance.now();
  const { ips } = JSON.parse(stdout) as { ips: readonly { address: string }[] };
  const ip = parseCidr(ips[0]?.address ?? "").ip;
  const led = () => lines.slice(from).filter(({ text }) => leadsTo(text, ip));
  await until("the route", () => led().length > 0, 1);
  await pause(SETTLED);
  return (led().at(-1)?.at ?? 0) - replied;
}

/** A route to a prefix that holds the address, or the end of a hole in one. Of other blocks there is news as well. */
function leadsTo(line: string, ip: Ip): boolean {
  const [, hole, via] = /^(?:Deleted throw ([0-9a-f.:/]+)|([0-9a-f.:/]+) via) /.exec(line) ?? [];
  const prefix = hole ?? via;
  return prefix !== undefined && containsIp(parseCidr(prefix), ip);
}
