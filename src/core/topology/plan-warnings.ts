// What the author of a topology may not have meant, though it is valid.
import type { Group, Network, Tree } from "../model/topology.ts";
import { type Cidr, formatCidr, sizeOf } from "../net/cidr.ts";
import { leavesAsking } from "./assign.ts";
import { formatCount } from "./format-count.ts";
import { allGroups, leafGroups } from "./groups.ts";

export type Warning = {
  readonly code: "PADDING" | "FILLS_FIRST" | "NO_HOST_JOINS" | "FEWER_BLOCKS_THAN_HOSTS";
  /** Path of the group; "" is the root. */
  readonly group: string;
  readonly text: string;
};
type Networks = ReadonlyMap<string, Network>;

export function warningsOf(tree: Tree, networks: Networks): Warning[] {
  return [
    ...[...allGroups(tree.root)].flatMap(paddingOf),
    ...fillsFirst(tree),
    ...contradictions(tree),
    ...leafGroups(tree).flatMap((group) => scarceBlocks(group, networks)),
  ];
}

/** Slots of a group that no child has: carved to a power of two, they wait for groups to come. */
function paddingOf(group: Group): Warning[] {
  const idle = Object.entries(group.prefixes).flatMap(([network, cidr]) => {
    const children = group.groups.flatMap((child) => child.prefixes[network] ?? []);
    const slots = 2 ** ((children[0]?.length ?? cidr.length) - cidr.length);
    const spare = children.length === 0 ? 0 : slots - children.length;
    return spare > 0 ? [{ cidr, slots, spare, share: `${Math.round((100 * spare) / slots)} %` }] : [];
  });
  return idle.map(({ cidr, slots, spare, share }) => ({
    code: "PADDING",
    group: group.path,
    text: `${nameOf(group)}: ${share} of ${formatCidr(cidr)} is unused, ${spare} of ${slots} slots, until more groups are added`,
  }));
}

const nameOf = ({ path }: Group): string => (path === "" ? "the top of the tree" : `group ${path}`);

/**
 * The leaf with the least room for pods: a host of it, where the file lists hosts, else the group, as hosts that join by the
 * fewest go to all groups alike. Nothing where all have the same.
 */
function fillsFirst(tree: Tree): Warning[] {
  const leaves = leafGroups(tree);
  const listed = leaves.filter(({ hosts }) => hosts.length > 0);
  const compared = (listed.length > 0 ? listed : leaves)
    .map((group) => ({ group, room: roomOf(group) / Math.max(1, group.hosts.length) }))
    .sort((a, b) => a.room - b.room);
  const [first, last] = [compared[0], compared.at(-1)];
  if (!first || !last || first.room === last.room) return [];
  const equals = compared.filter(({ room }) => room === first.room).length - 1;
  const more = equals === 0 ? "fills first" : `and ${equals} more fill first`;
  const unit = listed.length > 0 ? "addresses a host" : "addresses";
  const text = `${nameOf(first.group)} ${more}: ${formatCount(Math.floor(first.room))} ${unit}, ${nameOf(last.group)} has ${formatCount(Math.floor(last.room))}`;
  return [{ code: "FILLS_FIRST", group: first.group.path, text }];
}

/** Pods that a group has addresses for: each takes one of every family. */
function roomOf({ prefixes }: Group): number {
  const families = new Map<number, number>();
  for (const cidr of Object.values(prefixes))
    families.set(cidr.ip.family, (families.get(cidr.ip.family) ?? 0) + addressesOf(cidr));
  return families.size === 0 ? 0 : Math.min(...families.values());
}

const addressesOf = (cidr: Cidr): number => Number(sizeOf(cidr));

/** Leaf groups that only listed hosts can join, and none is listed. */
function contradictions(tree: Tree): Warning[] {
  return [...leavesAsking(tree.root, new Map())].flatMap(({ group, asked }) =>
    asked || group.hosts.length > 0
      ? []
      : [
          {
            code: "NO_HOST_JOINS" as const,
            group: group.path,
            text: `${nameOf(group)}: no host can join, it and the groups above ask for different values of one label`,
          },
        ],
  );
}

function scarceBlocks(group: Group, networks: Networks): Warning[] {
  return Object.entries(group.prefixes).flatMap(([network, cidr]) => {
    const blocks = 2 ** ((networks.get(network)?.blockMask ?? cidr.length) - cidr.length);
    if (blocks >= group.hosts.length) return [];
    const text = `${nameOf(group)}: ${group.hosts.length} hosts and ${formatCount(blocks)} blocks of network ${network}, and a host needs one for every tenant and segment`;
    return [{ code: "FEWER_BLOCKS_THAN_HOSTS" as const, group: group.path, text }];
  });
}
