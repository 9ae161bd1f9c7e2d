// Topologies after the first: their groups need not match the lab's wiring. Which of their prefixes and blocks lie behind which hosts.
// Pure.
import type { BlockRoute, Snapshot } from "../../core/model/snapshot.ts";
import type { Group } from "../../core/model/topology.ts";
import { type Cidr, containsCidr } from "../../core/net/cidr.ts";

export type Behind = {
  /** Prefixes of the largest groups all of whose hosts are behind: one route leads to each. */
  readonly prefixes: readonly Cidr[];
  /** Blocks of hosts behind whose group has hosts elsewhere too: nothing aggregates them but chance. */
  readonly blocks: readonly BlockRoute[];
};

export function behind({ topology, hosts, blocks }: Snapshot, isBehind: (host: string) => boolean): Behind {
  const trees = topology.trees.slice(1);
  const prefixes = trees.flatMap((tree, i) => {
    const members = [...hosts.values()].flatMap(({ name, groups }) => {
      const path = groups[i + 1];
      return path === undefined ? [] : [{ name, path }];
    });
    return wholePrefixes(tree.root, members, isBehind);
  });
  const networks = new Set(trees.flatMap((tree) => tree.networks));
  const single = [...blocks.values()].filter(
    ({ network, host, cidr }) =>
      networks.has(network) && isBehind(host) && !prefixes.some((prefix) => containsCidr(prefix, cidr)),
  );
  return { prefixes, blocks: single };
}

type Member = { readonly name: string; readonly path: string };

function wholePrefixes(
  group: Group,
  members: readonly Member[],
  isBehind: (host: string) => boolean,
): Cidr[] {
  const inside = members.filter(({ path }) => isWithin(path, group.path));
  if (!inside.some(({ name }) => isBehind(name))) return [];
  if (inside.every(({ name }) => isBehind(name))) return Object.values(group.prefixes);
  return group.groups.flatMap((child) => wholePrefixes(child, inside, isBehind));
}

/** Whether a group's path is `outer` or below it; "" is the root. */
export const isWithin = (path: string, outer: string): boolean =>
  outer === "" || path === outer || path.startsWith(`${outer}/`);
