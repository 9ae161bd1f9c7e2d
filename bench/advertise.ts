// From the reply of an allocation that needs a new block to the block's route in the kernel of the node's top-of-rack router, through daemon,
// publisher and two BIRDs; and how long BIRD is told a configuration of many routes.
import { bgp, worldOf } from "../src/core/bird/testdata/world.ts";
import { desiredBird } from "../src/core/bird/desired-bird.ts";
import { containsIp, formatCidr, parseCidr, subnet } from "../src/core/net/cidr.ts";
import { parseIp } from "../src/core/net/ip.ts";
import { createBirdConfiguration } from "../src/io/bird/bird-configuration.ts";
import { createBirdControl } from "../src/io/bird/bird-control.ts";
import { createPublisher } from "../src/apps/publisher/publish.ts";
import type { Bed } from "../test/support/bed.ts";
import { type BirdBed, makeBirdBed } from "../test/support/bird.ts";
import { monitorRoutes, type RouteMonitor } from "../test/support/route-monitor.ts";
import { type Bench, type Figure, median, quantile } from "./figure.ts";
import { answers, pause, until, withBed } from "./processes.ts";

const PORT = 19_611;
const READY = 19_612;
const ROUNDS = 200;
const ROUTES = 5000;
const CHANGES = 20;
const TOPOLOGY = {
  networks: [{ name: "v4", cidr: "10.0.0.0/12" }],
  topologies: [{ networks: ["v4"], map: [{ name: "rack", routing: bgp(), groups: [] }] }],
};

export const advertiseBench: Bench = {
  name: "advertise",
  about: "new block to route in the rack's router by BGP; a configuration of 5,000 routes",
  needsRoot: true,
  run: () =>
    withBed(async (bed) => {
      const birds = await makeBirdBed(bed);
      const publisher = await startParts(bed, birds);
      const times: number[] = [];
      const monitor = monitorRoutes(bed, birds.router);
      await pause(300);
      for (let round = 0; round < ROUNDS; round++) times.push(await once(round, monitor));
      publisher.kill("SIGTERM");
      await new Promise((resolve) => publisher.once("exit", resolve));
      return [
        figure("block to router, p50", median(times), 100, `${ROUNDS} new blocks, one after the other`),
        figure("block to router, p99", quantile(times, 0.99), 100),
        figure(
          `one change among ${ROUTES} routes`,
          median(await manyRoutes(birds)),
          300,
          `median of ${CHANGES}: computed, checked, written, taken by BIRD`,
        ),
      ];
    }),
};

const figure = (name: string, value: number, limit: number, note?: string): Figure => ({
  ...{ name, value, unit: "ms", goal: { kind: "at-most", limit, of: "value" } },
  ...(note !== undefined && { note }),
});

const post = async (path: string, body: unknown): Promise<unknown> => {
  const reply = await fetch(`http://127.0.0.1:${PORT}${path}`, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
  });
  if (!reply.ok) throw new Error(`${path}: ${await reply.text()}`);
  return reply.json();
};

async function startParts(bed: Bed, birds: BirdBed) {
  const store = `sqlite:${bed.dir}/romana.db`;
  bed.romana("daemon", ["daemon", "--listen", `127.0.0.1:${PORT}`, "--store", store, "--new-cluster"]);
  await until("the daemon", () => answers(`http://127.0.0.1:${PORT}/readyz`), 50);
  await post("/topology", TOPOLOGY);
  await post("/hosts", { name: "node-1", ip: "192.168.0.1" });
  const flags = ["--daemon", `http://127.0.0.1:${PORT}`, "--hostname", "node-1", "--metrics", String(READY)];
  const paths = ["--bird-config", birds.config, "--bird-socket", birds.socket, "--state-dir", bed.dir];
  const publisher = bed.romana("publisher", ["publisher", ...flags, ...paths]);
  await until("the configuration", () => isThere(birds), 50);
  await birds.startBird();
  await until("the session", () => answers(`http://127.0.0.1:${READY}/readyz`), 50);
  return publisher;
}

const isThere = async ({ config }: BirdBed): Promise<boolean> =>
  (await createBirdConfiguration(config, "bird").read()) !== undefined;

async function once(round: number, { lines }: RouteMonitor): Promise<number> {
  const from = lines.length;
  const body = { name: `pod-${round}`, host: "node-1", tenant: `tenant-${round}`, segment: "" };
  const { ip } = (await post("/address", body)) as { ip: string };
  const replied = performance.now();
  const came = () => lines.slice(from).find(({ text }) => leadsTo(text, ip));
  await until("the route", () => came() !== undefined, 1);
  return (came()?.at ?? 0) - replied;
}

function leadsTo(line: string, ip: string): boolean {
  const [, prefix] = /^([0-9a-f.:/]+) via /.exec(line) ?? [];
  return prefix !== undefined && containsIp(parseCidr(prefix), parseIp(ip));
}

/** Milliseconds of each change: every second block of a network, so that none join, and one more each time. */
async function manyRoutes({ config, socket }: BirdBed): Promise<number[]> {
  const configuration = createBirdConfiguration(config, "bird");
  const publisher = createPublisher({ configuration, control: createBirdControl(socket) });
  const blockAt = (i: number) =>
    [formatCidr(subnet(parseCidr("10.0.0.0/16"), 30, BigInt(2 * i))), "v4", "n1"] as const;
  const times: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const world = worldOf(
      { zone: bgp() },
      Array.from({ length: ROUTES + change }, (_, i) => blockAt(i)),
    );
    const start = performance.now();
    const desired = desiredBird(world, "n1");
    const published = await publisher.publish(desired.kind === "known" ? desired.text : "");
    if (published.kind !== "applied") throw new Error(JSON.stringify(published));
    if (change > 0) times.push(performance.now() - start);
  }
  return times;
}
