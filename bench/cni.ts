// CNI ADD, from exec of the plugin to its reply with the address durable, against Debian's bridge + host-local on the same host.
import { cni, type BenchHost, startCluster } from "./cluster.ts";
import { type Bench, median, quantile } from "./figure.ts";
import { romanaPlugin } from "./plugin.ts";
import type { Bed } from "../test/support/bed.ts";
import { withBed } from "./processes.ts";

const ROUNDS = 100;
const BRIDGE = "/usr/lib/cni/bridge";

type Pair = { readonly ours: number; readonly peer: number };

export const cniBench: Bench = {
  name: "cni",
  about: "CNI ADD against bridge + host-local",
  needsRoot: true,
  run: () =>
    withBed(async (bed) => {
      const { hosts } = await startCluster(bed, 1);
      const [host] = hosts;
      if (!host) throw new Error("no host");
      const pairs: Pair[] = [];
      const floor: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        pairs.push(await addBoth(bed, host, round));
        floor.push(
          (await host.plugins.run(romanaPlugin, { command: "VERSION", id: "", netns: "" }, {})).milliseconds,
        );
      }
      const ours = pairs.map((pair) => pair.ours);
      const value = median(ours);
      const note = `p99 ${quantile(ours, 0.99).toFixed(1)} ms; ${ROUNDS} interleaved pairs; to run a plugin that does nothing: ${median(floor).toFixed(1)} ms`;
      const limit = { kind: "at-most", limit: 0.5, of: "ratio" } as const;
      const peer = { name: "bridge", value: median(pairs.map((pair) => pair.peer)) };
      return [{ name: "ADD, median", value, unit: "ms", peer, note, goal: limit }];
    }),
};

/** One ADD of each, in turn; who begins changes from round to round, for the kernel still has work from making the namespaces. */
async function addBoth(bed: Bed, host: BenchHost, round: number): Promise<Pair> {
  const [a, b] = [bed.netns(`a${round}`), bed.netns(`b${round}`)];
  const first = round % 2 === 0 ? await addOurs(host, round, a) : undefined;
  const peer = await addPeer(bed, host, round, b);
  return { ours: first ?? (await addOurs(host, round, a)), peer };
}

/** Milliseconds of the ADD; it is deleted again. */
async function addOurs(host: BenchHost, round: number, netns: string): Promise<number> {
  const { milliseconds } = await cni(host, "ADD", `pod-${round}`, netns);
  await cni(host, "DEL", `pod-${round}`, netns);
  return milliseconds;
}

async function addPeer(bed: Bed, { plugins }: BenchHost, round: number, netns: string): Promise<number> {
  const call = { id: `peer-${round}`, netns };
  const config = bridgeConfig(`${bed.dir}/peer`);
  const { milliseconds } = await plugins.run(BRIDGE, { ...call, command: "ADD" }, config);
  await plugins.run(BRIDGE, { ...call, command: "DEL" }, config);
  return milliseconds;
}

const bridgeConfig = (dataDir: string): object => ({
  ...{ cniVersion: "1.0.0", name: "peer", type: "bridge", bridge: "peer0", isGateway: true },
  ipam: {
    ...{ type: "host-local", dataDir },
    ranges: [[{ subnet: "10.99.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  },
});
