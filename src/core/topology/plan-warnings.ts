// What the author of a topology may not have meant, though it is valid.
import type { Group, Network, Tree } from "../model/topology.ts";
import { type Cidr, formatCidr, sizeOf } from "../net/cidr.ts";
import { leavesAsking } from "./assign.ts";
import { complementWithin, prefixSet, toCidrs } from "../net/prefix-set.ts";
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

/** What of a group's prefix no child has: carved to a power of two, it waits for groups to come. */
function paddingOf(group: Group): Warning[] {
  if (group.groups.length === 0) return [];
  return Object.entries(group.prefixes).flatMap(([network, cidr]) => {
    const children = group.groups.flatMap((child) => child.prefixes[network] ?? []);
    const idle = toCidrs(complementWithin(cidr, prefixSet(children)));
    if (idle.length === 0) return [];
    const share = idle.reduce((sum, each) => sum + 2 ** (cidr.length - each.length), 0);
    const text = `${nameOf(group)}: ${Math.round(100 * share)} % of ${formatCidr(cidr)} is unused until more groups are added: ${listOf(idle.map(formatCidr))}`;
    return [{ code: "PADDING" as const, group: group.path, text }];
  });
}

const nameOf = ({ path }: Group): string => (path === "" ? "the top of the tree" : `group ${path}`);

const MAX_SHOWN = 3;

/** "a, b and c"; of many the first. */
function listOf(words: readonly string[]): string {
  const rest = words.length - MAX_SHOWN;
  const shown = rest > 0 ? [...words.slice(0, MAX_SHOWN), `${rest} more`] : words;
  const last = shown.at(-1) ?? "";
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${last}` : last;
}

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
  const least = compared[0]?.room;
  const most = compared.at(-1)?.room;
  const roomiest = compared.find(({ room }) => room === most);
  if (least === undefined || least === most || !roomiest) return [];
  const first = compared.filter(({ room }) => room === least).map(({ group }) => group);
  const [only, ...others] = first;
  const subject =
    only && others.length === 0
      ? `${nameOf(only)} fills first:`
      : `groups ${listOf(first.map(({ path }) => path))} fill first: each has`;
  const unit = listed.length > 0 ? "addresses a host" : "addresses";
  const text = `${subject} ${formatCount(Math.floor(least))} ${unit}, ${nameOf(roomiest.group)} has ${formatCount(Math.floor(roomiest.room))}`;
  return [{ code: "FILLS_FIRST", group: only?.path ?? "", text }];
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
    const text = `${nameOf(group)}: ${group.hosts.length} hosts and ${formatCount(blocks)} ${blocks === 1 ? "block" : "blocks"} of network ${network}, and a host needs one for every tenant and segment`;
    return [{ code: "FEWER_BLOCKS_THAN_HOSTS" as const, group: group.path, text }];
  });
}
