// Which racks the lab builds, and which hosts stand in a rack. Pure; knows nothing of addresses.
import { InputError } from "../../base/errors.ts";
import type { Topology } from "../../core/model/topology.ts";
import { type Rack, racksOf } from "../../core/topology/racks.ts";

const MAX_HOSTS = 64;
const MAX_SPINES = 16;

/** A rack per leaf group of the first tree. InputError `LAB_NO_GROUPS`, `LAB_TOO_LARGE`. */
export function planRacks(topology: Topology, hostsPerRack: number): Rack[] {
  const root = topology.trees[0]?.root;
  const racks = root ? racksOf(root) : [];
  checkSize(racks, hostsPerRack);
  return racks;
}

function checkSize(racks: readonly Rack[], hostsPerRack: number): void {
  if (racks.length === 0)
    throw new InputError({
      code: "LAB_NO_GROUPS",
      field: "topologies",
      value: [],
      expected: "a topology with a group",
    });
  const listed = racks.reduce((sum, { group }) => sum + Math.max(group.hosts.length, hostsPerRack), 0);
  const spines = new Set(racks.map((rack) => rack.spine)).size;
  if (listed > MAX_HOSTS || spines > MAX_SPINES)
    throw new InputError({
      code: "LAB_TOO_LARGE",
      field: "--hosts-per-rack",
      value: `${listed} hosts, ${spines} spines`,
      expected: `a lab of at most ${MAX_HOSTS} hosts and ${MAX_SPINES} spines`,
    });
}

/** Those that the file lists, filled up with invented ones. */
export function hostNames(rack: Rack, hostsPerRack: number): string[] {
  const listed = rack.group.hosts.map((host) => host.name);
  const invented = Array.from({ length: hostsPerRack }, (_, i) => `${rack.slug}-h${i + 1}`);
  return [...listed, ...invented.filter((name) => !listed.includes(name))].slice(
    0,
    Math.max(listed.length, hostsPerRack),
  );
}
