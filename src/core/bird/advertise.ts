// What a node announces, and to whom: for each tree the blocks that the node has in its networks, as its group there says.
import { equalIp, formatIp, type Ip } from "../net/ip.ts";
import type { Cidr } from "../net/cidr.ts";
import { minimalUnion } from "../net/prefix-set.ts";
import type { Host } from "../model/records.ts";
import type { Bgp, Neighbour, Routing } from "../model/routing.ts";
import type { BlockRoute, Snapshot } from "../model/snapshot.ts";
import { routingOf } from "../topology/groups.ts";

/** What the node's group says in each tree, as the node's blocks there go by it. */
export type Told = {
  readonly index: number;
  readonly routing: Routing;
  readonly blocks: readonly BlockRoute[];
};

/** A node that no group takes, but which has blocks, goes by their group. */
export function toldTo({ topology, blocks }: Snapshot, { name, groups }: Host): Told[] {
  const own = [...blocks.values()].filter(({ host }) => host === name);
  return topology.trees.flatMap((tree, index) => {
    const held = own.filter(({ network }) => tree.networks.includes(network));
    const path = groups[index] ?? held[0]?.group;
    const routing = path === undefined ? undefined : routingOf(tree, path);
    return routing ? [{ index, routing, blocks: held }] : [];
  });
}

/** Prefixes that go together: those of one tree. */
export type Announcement = {
  /** The tree's place in the topology. */
  readonly index: number;
  readonly bgp: Bgp;
  /** The fewest that hold exactly the addresses of the node's blocks: never one that draws a neighbour's traffic. */
  readonly prefixes: readonly Cidr[];
};
export type Session = {
  readonly neighbour: Neighbour;
  /** Of the first tree that names the neighbour. */
  readonly bgp: Bgp;
  readonly announcements: readonly Announcement[];
};

export const announcementsOf = (told: readonly Told[]): Announcement[] =>
  told.flatMap(({ index, routing, blocks }) =>
    routing.kind === "bgp"
      ? [{ index, bgp: routing, prefixes: minimalUnion(blocks.map(({ cidr }) => cidr)) }]
      : [],
  );

/** One a neighbour. A host that its group names as a neighbour is none of its own. */
export function sessionsOf(announcements: readonly Announcement[], { ips }: Host): Session[] {
  const sessions = new Map<string, Session>();
  for (const announcement of announcements)
    for (const neighbour of announcement.bgp.neighbours) {
      if (ips.some((ip) => equalIp(ip, neighbour.ip))) continue;
      const key = formatIp(neighbour.ip);
      const known = sessions.get(key) ?? { neighbour, bgp: announcement.bgp, announcements: [] };
      sessions.set(key, { ...known, announcements: [...known.announcements, announcement] });
    }
  return [...sessions.values()];
}

/** Unlike those of other neighbours, and a word to BIRD. */
export const sessionName = (neighbour: Ip): string =>
  `romana_${formatIp(neighbour).replaceAll(/[.:]/g, "_")}`;
