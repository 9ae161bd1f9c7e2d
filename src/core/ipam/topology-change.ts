// Puts another topology in the place of the present one, or says what stands against it. Addresses in use are never
// moved: the change is made around them or not at all. Never carves: `next` comes with the prefixes of its groups.
import { type Cidr, compareCidr, containsCidr, formatCidr } from "../net/cidr.ts";
import { formatIp } from "../net/ip.ts";
import type { Block, Host } from "../model/records.ts";
import { takenSlots } from "../model/slots.ts";
import type { Group, Topology, Tree } from "../model/topology.ts";
import { assignHost } from "../topology/assign.ts";
import { groupsByPath } from "../topology/groups.ts";
import { holdsBlock } from "./hosts.ts";
import type { IpamState } from "./state.ts";
import type { Change, Conflict, Write } from "./types.ts";

type NextTree = { readonly tree: Tree; readonly groups: ReadonlyMap<string, Group> };

/**
 * The daemon commits the writes only if no block and no address was written since the state was read. Writes stand in this
 * order: empty blocks that no longer fit, the topology with the ends of drains and all guards, hosts whose groups change. Where they are too many
 * for one transaction, blocks may go before and hosts after; the topology and the guards belong together.
 */
export function planTopologyChange(state: IpamState, next: Topology): Change {
  const { conflicts, deleted, regrouped } = topologyEffects(state, next);
  if (conflicts.length > 0) return { kind: "conflict", conflicts };
  const gone = state.topology.networks.filter(
    ({ name }) => !next.networks.some((each) => each.name === name),
  );
  const networks = new Set([...state.topology.networks, ...next.networks].map(({ name }) => name));
  const writes: Write[] = [
    ...deleted.map((cidr) => ({ kind: "delete-block", cidr }) as const),
    { kind: "put-topology", topology: next },
    ...gone.flatMap(({ cidr }) => endOfDrain(state, cidr)),
    ...[...networks].map((network) => ({ kind: "bump-guard", network }) as const),
    ...regrouped.map((host) => ({ kind: "put-host", host }) as const),
  ];
  return { kind: "applied", writes, guards: [] };
}

/** What `next` would mean for what is there: addresses that stand against it in their order, empty blocks that would go, and hosts whose groups change. */
export type TopologyEffects = {
  readonly conflicts: readonly Conflict[];
  readonly deleted: readonly Cidr[];
  readonly regrouped: readonly Host[];
};

export function topologyEffects(state: IpamState, next: Topology): TopologyEffects {
  const trees = next.trees.map((tree) => ({ tree, groups: groupsByPath(tree) }));
  const misfits = [...state.blocks.values()]
    .filter(({ block }) => !fits(block, next, trees))
    .sort((a, b) => compareCidr(a.block.cidr, b.block.cidr));
  return {
    conflicts: misfits.flatMap(({ block }) => conflictsOf(block)),
    deleted: misfits.filter(({ occupancy }) => occupancy.used === 0).map(({ block }) => block.cidr),
    regrouped: regroup(state, trees),
  };
}

/** What was drained to be taken out is not drained when it comes back. */
const endOfDrain = (state: IpamState, cidr: Cidr): Write[] =>
  state.blackouts.has(formatCidr(cidr)) ? [{ kind: "delete-blackout", cidr }] : [];

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
  for (const [offset, slot] of takenSlots(block.slots)) {
    if (slot.state !== "used") continue;
    const ip = formatIp({ family: block.cidr.ip.family, value: block.cidr.ip.value + BigInt(offset) });
    const reason = `in use on ${block.host}, outside the new prefix of group ${block.group} in network ${block.network}`;
    conflicts.push({ name: slot.name, ip, reason });
  }
  return conflicts;
}

/** Hosts whose groups are not the same any more. */
function regroup(state: IpamState, trees: readonly NextTree[]): Host[] {
  const assigned = trees.map((tree) => assignAll(state, tree));
  return [...state.hosts.values()]
    .map((host) => ({ ...host, groups: assigned.map((paths) => paths.get(host.name)) }))
    .filter((host) => !sameGroups(host.groups, state.hosts.get(host.name)?.groups ?? []));
}

/** Group path of every host in one tree. Those that cannot stay are assigned as new ones, after all that stay. */
function assignAll(state: IpamState, next: NextTree): Map<string, string | undefined> {
  const paths = stayingHosts(state, next);
  const hostsPerGroup = new Map<string, number>();
  const count = (path: string): unknown => hostsPerGroup.set(path, (hostsPerGroup.get(path) ?? 0) + 1);
  for (const path of paths.values()) count(path);
  const all = new Map<string, string | undefined>(paths);
  for (const { name, tags } of state.hosts.values()) {
    if (paths.has(name)) continue;
    const path = assignHost(next.tree, tags, { name, hostsPerGroup });
    all.set(name, path);
    if (path !== undefined) count(path);
  }
  return all;
}

/** A host keeps its group while that is there, unless it holds no block of the tree and the file lists it elsewhere. */
function stayingHosts(state: IpamState, { tree, groups }: NextTree): Map<string, string> {
  const before = previousTree(state, tree);
  const listed = listedHosts(groups);
  const staying = new Map<string, string>();
  for (const host of state.hosts.values()) {
    const path = host.groups[before];
    if (path === undefined || groups.get(path)?.groups.length !== 0) continue;
    if ((listed.get(host.name) ?? path) === path || holdsBlock(state, host.name, tree))
      staying.set(host.name, path);
  }
  return staying;
}

/** Group path by name of the hosts that the file itself puts somewhere. */
function listedHosts(groups: ReadonlyMap<string, Group>): Map<string, string> {
  return new Map(
    [...groups.values()].flatMap(({ path, hosts }) => hosts.map(({ name }) => [name, path] as const)),
  );
}

/** A tree is the one that shares a network with it; trees have no names. */
function previousTree(state: IpamState, tree: Tree): number {
  return state.topology.trees.findIndex((old) => old.networks.some((name) => tree.networks.includes(name)));
}

const sameGroups = (a: Host["groups"], b: Host["groups"]): boolean =>
  a.length === b.length && a.every((path, i) => path === b[i]);
