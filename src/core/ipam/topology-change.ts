// Puts another topology in the place of the present one, or says what stands against it. Addresses in use are never
// moved: the change is made around them or not at all. Never carves: `next` comes with the prefixes of its groups.
import { containsCidr } from "../net/cidr.ts";
import { formatIp } from "../net/ip.ts";
import type { Block, Host } from "../model/records.ts";
import type { Group, Topology, Tree } from "../model/topology.ts";
import { assignHost } from "../topology/assign.ts";
import { type IpamState, indexGroups } from "./state.ts";
import type { Change, Conflict, Write } from "./types.ts";

type NextTree = { readonly tree: Tree; readonly groups: ReadonlyMap<string, Group> };

/**
 * The daemon commits the writes only if no block and no address was written since the state was read. Writes stand in this
 * order: empty blocks that no longer fit, the topology with all guards, hosts whose groups change. Where they are too many
 * for one transaction, blocks may go before and hosts after; the topology and the guards belong together.
 */
export function planTopologyChange(state: IpamState, next: Topology): Change {
  const trees = next.trees.map((tree) => ({ tree, groups: indexGroups(tree.root) }));
  const misfits = [...state.blocks.values()].filter(({ block }) => !fits(block, next, trees));
  const conflicts = misfits.flatMap(({ block }) => conflictsOf(block));
  if (conflicts.length > 0) return { kind: "conflict", conflicts };
  const networks = new Set([...state.topology.networks, ...next.networks].map(({ name }) => name));
  const writes: Write[] = [
    ...misfits.map(({ block }) => ({ kind: "delete-block", cidr: block.cidr }) as const),
    { kind: "put-topology", topology: next },
    ...[...networks].map((network) => ({ kind: "bump-guard", network }) as const),
    ...regroup(state, trees).map((host) => ({ kind: "put-host", host }) as const),
  ];
  return { kind: "applied", writes, guards: [] };
}

/** The block's group is still there and its prefix still holds the block. The block size may have changed: it stays as it is. */
function fits(block: Block, next: Topology, trees: readonly NextTree[]): boolean {
  if (!next.networks.some(({ name }) => name === block.network)) return false;
  const tree = trees.find((each) => each.tree.networks.includes(block.network));
  const group = tree?.groups.get(block.group);
  const prefix = group?.prefixes[block.network];
  return group?.groups.length === 0 && prefix !== undefined && containsCidr(prefix, block.cidr);
}

function conflictsOf(block: Block): Conflict[] {
  const conflicts: Conflict[] = [];
  for (const [offset, slot] of block.slots) {
    if (slot.state !== "used") continue;
    const ip = formatIp({ family: block.cidr.ip.family, value: block.cidr.ip.value + BigInt(offset) });
    const reason = `in use on ${block.host}, outside the new prefix of group ${block.group} in network ${block.network}`;
    conflicts.push({ name: slot.name, ip, reason });
  }
  return conflicts;
}

/** Hosts whose groups are not the same any more. A host keeps its group while that is there; else it is assigned as a new one. */
function regroup(state: IpamState, trees: readonly NextTree[]): Host[] {
  const before = trees.map(({ tree }) => previousTree(state, tree));
  const counts = trees.map(() => new Map<string, number>());
  const hosts = [...state.hosts.values()];
  const kept = hosts.map((host) =>
    trees.map(({ groups }, i) => {
      const path = host.groups[before[i] ?? -1];
      const stays = path !== undefined && groups.get(path)?.groups.length === 0;
      if (stays) count(counts[i], path);
      return stays ? path : undefined;
    }),
  );
  const changed: Host[] = [];
  for (const [h, host] of hosts.entries()) {
    const groups = trees.map(({ tree }, i) => {
      const hostsPerGroup = counts[i] ?? new Map<string, number>();
      const stays = kept[h]?.[i];
      if (stays !== undefined) return stays;
      const path = assignHost(tree, host.tags, { name: host.name, hostsPerGroup });
      if (path !== undefined) count(counts[i], path);
      return path;
    });
    if (!sameGroups(groups, host.groups)) changed.push({ ...host, groups });
  }
  return changed;
}

/** A tree is the one that shares a network with it; trees have no names. */
function previousTree(state: IpamState, tree: Tree): number {
  return state.topology.trees.findIndex((old) => old.networks.some((name) => tree.networks.includes(name)));
}

function count(counts: Map<string, number> | undefined, path: string): void {
  counts?.set(path, (counts.get(path) ?? 0) + 1);
}

const sameGroups = (a: Host["groups"], b: Host["groups"]): boolean =>
  a.length === b.length && a.every((path, i) => path === b[i]);
