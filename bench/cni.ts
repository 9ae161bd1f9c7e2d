// CNI ADD, from exec of the plugin to its reply with the address durable, against Debian's bridge + host-local on the same host.
import { execFileSync } from "node:child_process";
import { type BenchHost, cni, cniEnv, plugin, startCluster } from "./cluster.ts";
import { type Bench, median, quantile } from "./figure.ts";
import type { Bed } from "../test/support/bed.ts";
import { withBed } from "./processes.ts";

const ROUNDS = 60;
const BRIDGE = "/usr/lib/cni/bridge";

async function bridgeAdd(bed: Bed, host: BenchHost, id: string, netns: string): Promise<number> {
  const config = JSON.stringify({
    cniVersion: "1.0.0",
    name: "peer",
    type: "bridge",
    bridge: "peer0",
    isGateway: true,
    ipam: {
      type: "host-local",
      dataDir: `${bed.dir}/peer`,
      ranges: [[{ subnet: "10.99.0.0/16" }]],
      routes: [{ dst: "0.0.0.0/0" }],
    },
  });
  const { milliseconds } = await plugin(BRIDGE, [], host.netns, cniEnv("ADD", id, netns), config);
  await plugin(BRIDGE, [], host.netns, cniEnv("DEL", id, netns), config);
  return milliseconds;
}

export const cniBench: Bench = {
  name: "cni",
  about: "CNI ADD against bridge + host-local",
  needsRoot: true,
  run: () =>
    withBed(async (bed) => {
      const { hosts } = await startCluster(bed, 1);
      const [host] = hosts;
      if (!host) throw new Error("no host");
      const [ours, peer]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        const [a, b] = [bed.netns(`a${round}`), bed.netns(`b${round}`)];
        ours.push((await cni(host, "ADD", `pod-${round}`, a)).milliseconds);
        await cni(host, "DEL", `pod-${round}`, a);
        peer.push(await bridgeAdd(bed, host, `peer-${round}`, b));
      }
      const floor = await Promise.all([execFloor(host)]);
      const note = `p99 ${quantile(ours, 0.99).toFixed(1)} ms, ${ROUNDS} interleaved pairs; nsenter alone ${floor[0]?.toFixed(1)} ms is in both`;
      return [
        {
          name: "ADD, median",
          value: median(ours),
          unit: "ms",
          peer: { name: "bridge", value: median(peer) },
          note,
          goal: { kind: "at-most", limit: 0.5, of: "ratio" },
        },
      ];
    }),
};

/** What starting any program this way costs. */
async function execFloor(host: BenchHost): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    execFileSync("nsenter", [`--net=${host.netns}`, "true"]);
    times.push(performance.now() - start);
  }
  return median(times);
}
