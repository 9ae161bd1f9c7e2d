// What the run stands on: etcd members, daemons and clients, each in a network namespace of its own on one bridge.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TopologyDocument } from "../../../src/core/api/types.ts";
import type { Bed } from "../../../test/support/bed.ts";
import { createDaemonProcess, type DaemonProcess } from "./daemon-process.ts";
import { type Delay, startDelay } from "./delay.ts";
import { createMembers, type EtcdMember } from "./etcd-member.ts";
import { createNetwork, type Place } from "./place.ts";

export type FaultBed = {
  readonly bed: Bed;
  readonly members: readonly EtcdMember[];
  readonly daemons: readonly DaemonProcess[];
  readonly clients: readonly Place[];
  /** Between the last daemon and etcd. */
  readonly delayed: Delay;
};
export type BedSize = { readonly members: number; readonly daemons: number; readonly clients: number };

const TENANTS = ["tenant-0", "tenant-1", "tenant-2", "dual"];

/** One rack for half of the hosts each; a network for tenant `tight` that is soon full, and an IPv6 one for tenant `dual`. */
export const TOPOLOGY: TopologyDocument = {
  networks: [
    { name: "pods", cidr: "10.64.0.0/12", block_mask: 29, tenants: TENANTS },
    { name: "tight", cidr: "10.200.0.0/26", block_mask: 29, tenants: ["tight"] },
    { name: "six", cidr: "fd00:64::/64", block_mask: 122, tenants: ["dual"] },
  ],
  topologies: [
    {
      networks: ["pods"],
      map: [
        { name: "rack-a", assignment: { rack: "a" }, groups: [] },
        { name: "rack-b", assignment: { rack: "b" }, groups: [] },
      ],
    },
    { networks: ["tight"], map: [{ name: "all", groups: [] }] },
    { networks: ["six"], map: [{ name: "all-six", groups: [] }] },
  ],
};

/** Everything is up and ready when it resolves. `flags`: of daemons, besides their own. */
export async function startFaultBed(
  bed: Bed,
  size: BedSize,
  flags: readonly string[] = [],
): Promise<FaultBed> {
  const network = createNetwork(bed);
  const places = (kind: string, count: number): Place[] =>
    Array.from({ length: count }, (_, i) => network.place(`${kind}${i}`));
  const members = createMembers(bed, places("etcd", size.members));
  await Promise.all(members.map((member) => member.start()));
  const topologyFile = join(bed.dir, "topology.json");
  writeFileSync(topologyFile, JSON.stringify(TOPOLOGY));
  const urls = members.map(({ url }) => url);
  const homes = places("daemon", size.daemons);
  const last = homes.at(-1);
  if (!last) throw new Error("no daemon");
  const delayed = await startDelay(bed, last, urls);
  const daemons = homes.map((place) => {
    const store = `etcd:${(place === last ? delayed.urls : urls).join(",")}`;
    return createDaemonProcess(bed, place, { store, topologyFile, flags });
  });
  for (const daemon of daemons) await daemon.start();
  return { bed, members, daemons, clients: places("client", size.clients), delayed };
}
