// Hosts come and go. A host's group is decided once and kept until it leaves; what a removed host held rests like any
// released address before another may have it.
import type { Host } from "../model/records.ts";
import { type Slot, takenSlots, withSlots } from "../model/slots.ts";
import type { Tree } from "../model/topology.ts";
import { assignHost } from "../topology/assign.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Write } from "./types.ts";

/**
 * A new host gets its groups. A known one keeps them, and gets those that it had none of; a tree in which it holds no block
 * decides anew when its labels have changed, as nodes often get their labels after they joined.
 */
export function planHostJoin(
  state: IpamState,
  request: Omit<Host, "groups">,
): Plan & { readonly host: Host } {
  const known = state.hosts.get(request.name);
  const isSettled = known !== undefined && sameTags(known.tags, request.tags);
  const groups = state.topology.trees.map((tree, index) => {
    const kept = isSettled || holdsBlock(state, request.name, tree) ? known?.groups[index] : undefined;
    const { name, tags } = request;
    return kept ?? assignHost(tree, tags, { name, hostsPerGroup: hostsPerGroup(state, index, name) });
  });
  const host: Host = { ...request, groups };
  // A topology change at the same time would have decided otherwise.
  return {
    host,
    writes: [{ kind: "put-host", host }],
    guards: state.topology.networks.map(({ name: network }) => network),
  };
}

/** While it does, the host's group in the tree must stay. */
export function holdsBlock(state: IpamState, host: string, tree: Tree): boolean {
  for (const { block } of state.blocksOfHost(host)) if (tree.networks.includes(block.network)) return true;
  return false;
}

function sameTags(a: Host["tags"], b: Host["tags"]): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Of all hosts but the one that is to be assigned. */
function hostsPerGroup(state: IpamState, tree: number, but: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const host of state.hosts.values()) {
    const path = host.groups[tree];
    if (path !== undefined && host.name !== but) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}

/**
 * The next step of removing a host, at most `limit` writes; nothing to write: it is gone. The record goes
 * first, with the guards, so that no allocation follows; then the addresses. The pods of a host that was lost are perhaps
 * still alive: its addresses and the blocks they are in rest from `since` on (wall milliseconds), and before that, in quarantine,
 * nobody else gets them. Its blocks stay, empty, until they have rested and are collected.
 */
export function planHostRemoval(
  state: IpamState,
  name: string,
  options: { readonly since: number; readonly limit: number },
): Plan {
  const writes: Write[] = [];
  if (state.hosts.has(name)) {
    writes.push({ kind: "delete-host", name });
    if (state.evidence.has(name)) writes.push({ kind: "delete-evidence", host: name });
    // When it comes again it has to report again.
    if (state.reported.has(name)) writes.push({ kind: "delete-reported", host: name });
    for (const { name: network } of state.topology.networks) writes.push({ kind: "bump-guard", network });
    return { writes, guards: [] };
  }
  // It was never known, and is waited for all the same.
  if (state.reported.has(name)) return { writes: [{ kind: "delete-reported", host: name }], guards: [] };
  return { writes: coolBlocks(state, name, options), guards: [] };
}

/** Blocks of the host with their addresses, slot by slot until `limit` writes are full. */
function coolBlocks(state: IpamState, host: string, options: { since: number; limit: number }): Write[] {
  const blocks: Write[] = [];
  const names = new Set<string>();
  for (const { block, occupancy } of state.blocksOfHost(host)) {
    if (occupancy.used === 0) continue;
    if (blocks.length + names.size + 2 > options.limit) break;
    const slots = new Map<number, Slot>();
    for (const [offset, slot] of takenSlots(block.slots)) {
      if (slot.state !== "used" || blocks.length + names.size + 2 > options.limit) continue;
      slots.set(offset, { state: "cooling", since: options.since, quarantined: true });
      names.add(slot.name);
    }
    blocks.push({ kind: "put-block", block: { ...block, slots: withSlots(block.slots, slots) } });
  }
  const known = [...names].filter((name) => state.addresses.get(name)?.host === host);
  return [...blocks, ...known.map((name) => ({ kind: "delete-address", name }) as const)];
}
