// How allocations go on one daemon and one member of etcd with 15,000 to 150,000 addresses in the store: rate and latency, against
// compare-and-set of a bare gRPC client on the same member.
import { once } from "node:events";
import { type Bed, stop } from "../test/support/bed.ts";
import { startEtcd } from "../test/support/etcd.ts";
import { closedLoopRate, openClients, openLoopTimes } from "./address-load.ts";
import { openRawClient, rawMembers } from "./etcd.ts";
import { type Bench, type Figure, median, quantile } from "./figure.ts";
import { answers, until, withBed } from "./processes.ts";
import { makeBackup, type Size, SIZES } from "./stored-cluster.ts";
import { endAdoption } from "./end-adoption.ts";

const PORT = 19690;
const URL_ROOT = `http://127.0.0.1:${PORT}`;
const IN_FLIGHT = 64;
const COUNT = 4000;
const ROUNDS = 3;

export const allocateSizesBench: Bench = {
  name: "allocate-sizes",
  about: `POST /address with ${IN_FLIGHT} in flight on etcd, by what is in the store`,
  run: () =>
    withBed(async (bed) => {
      const figures: Figure[] = [];
      for (const size of SIZES) figures.push(...(await measure(bed, size)));
      return figures;
    }),
};

async function measure(bed: Bed, size: Size): Promise<Figure[]> {
  const etcd = await startEtcd();
  bed.onDispose(() => etcd.dispose());
  const [endpoint = ""] = etcd.urls;
  const daemon = await startFilled(bed, `etcd:${endpoint}`, size);
  const clients = await openClients({
    ...{ ports: [PORT], clients: IN_FLIGHT, hosts: size.hosts, nameOf: (host) => `node-${host}` },
  });
  const raw = openRawClient(endpoint);
  const bare = rawMembers(raw.compareAndSet, IN_FLIGHT);
  const [ours, peers]: [number[], number[]] = [[], []];
  await closedLoopRate(clients.members, COUNT); // warm
  for (let round = 0; round < ROUNDS; round++) {
    peers.push(await closedLoopRate(bare, COUNT));
    ours.push(await closedLoopRate(clients.members, COUNT));
  }
  const late = await openLoopTimes(clients.members, median(ours) / 2, COUNT);
  const lateRaw = await openLoopTimes(bare, median(peers) / 2, COUNT);
  raw.close();
  clients.close();
  await stop(daemon);
  await etcd.dispose();
  const of = `${size.addresses} addresses, ${size.blocks} blocks, ${size.hosts} hosts`;
  const above = (q: number): Figure => ({
    ...{ name: `${of}: p${q * 100} above raw at half load`, unit: "ms" },
    value: quantile(late, q) - quantile(lateRaw, q),
  });
  const peer = { name: "bare gRPC", value: median(peers) };
  return [{ name: of, value: median(ours), unit: "/s", peer }, above(0.5), above(0.99)];
}

/** A daemon that is ready, on a store that was filled before. */
async function startFilled(bed: Bed, store: string, size: Size) {
  const file = `${bed.dir}/${size.addresses}.backup`;
  await makeBackup(file, size);
  const [code] = (await once(bed.romana("import", ["store", "import", file, store]), "exit")) as [number];
  if (code !== 0) throw new Error(bed.log("import"));
  const flags = ["--listen", `127.0.0.1:${PORT}`, "--store", store, "--client-rate", "0"];
  const daemon = bed.romana("daemon", ["daemon", ...flags]);
  await until("daemon ready", () => answers(`${URL_ROOT}/readyz`));
  await endAdoption(URL_ROOT);
  return daemon;
}
