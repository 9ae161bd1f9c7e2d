// A host leaves: what it held rests like any released address before another may have it.
import type { IpamState } from "./state.ts";
import type { Plan, Write } from "./types.ts";

/**
 * The next step of removing a host, at most `limit` writes; nothing to write: it is gone. The record goes
 * first, with the guards, so that no allocation follows; then the addresses. Its blocks stay, empty, until they have
 * rested and are collected: the pods of a host that was lost are perhaps still alive.
 */
export function planHostRemoval(
  state: IpamState,
  name: string,
  options: { readonly now: number; readonly limit: number },
): Plan {
  const writes: Write[] = [];
  if (state.hosts.has(name)) {
    writes.push({ kind: "delete-host", name });
    for (const { name: network } of state.topology.networks) writes.push({ kind: "bump-guard", network });
    return { writes, guards: [] };
  }
  return { writes: coolBlocks(state, name, options), guards: [] };
}

/** Blocks of the host with their addresses, slot by slot until `limit` writes are full. */
function coolBlocks(state: IpamState, host: string, options: { now: number; limit: number }): Write[] {
  const blocks: Write[] = [];
  const names = new Set<string>();
  for (const { block, occupancy } of state.blocksOfHost(host)) {
    if (occupancy.used === 0) continue;
    if (blocks.length + names.size + 2 > options.limit) break;
    const slots = new Map(block.slots);
    for (const [offset, slot] of block.slots) {
      if (slot.state !== "used" || blocks.length + names.size + 2 > options.limit) continue;
      slots.set(offset, { state: "cooling", since: options.now });
      names.add(slot.name);
    }
    blocks.push({ kind: "put-block", block: { ...block, slots } });
  }
  const known = [...names].filter((name) => state.addresses.get(name)?.host === host);
  return [...blocks, ...known.map((name) => ({ kind: "delete-address", name }) as const)];
}
