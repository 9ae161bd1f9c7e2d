// Takes addresses back. A freed slot cools; an empty block whose slots have all rested returns to its group.
import type { Duration } from "../../base/clock.ts";
import type { Address, Block } from "../model/records.ts";
import { withSlot } from "./allocate.ts";
import { offsetOf } from "./choose.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Release, ReleaseRequest, Write } from "./types.ts";

export function release(
  state: IpamState,
  request: ReleaseRequest,
  options: { readonly now: number },
): Release {
  const address = "name" in request ? state.addresses.get(request.name) : state.addressAt(request.ip);
  if (!address) return { kind: "not-found" };
  if (request.host !== undefined && request.host !== address.host)
    return { kind: "foreign", holder: address };
  if (request.sequence !== undefined && request.sequence !== address.sequence)
    return { kind: "stale", sequence: address.sequence };
  return { kind: "released", address, writes: releaseWrites(state, address, options.now), guards: [] };
}

function releaseWrites(state: IpamState, address: Address, now: number): Write[] {
  const blocks = address.ips.flatMap(({ ip }) => {
    const block = state.blockAt(ip)?.block;
    return block ? coolSlot(block, offsetOf(block.cidr, ip), address.name, now) : [];
  });
  return [
    ...blocks.map((block) => ({ kind: "put-block", block }) as const),
    { kind: "delete-address", name: address.name },
  ];
}

/** Nothing where the slot is not this name's: then another holds it, and keeps it. */
function coolSlot(block: Block, offset: number, name: string, now: number): Block[] {
  const slot = block.slots[offset];
  if (slot?.state !== "used" || slot.name !== name) return [];
  return [withSlot(block, offset, { state: "cooling", since: now })];
}

/** Deletes the blocks that are empty and have rested, the oldest first, at most `limit` (they may share a transaction). */
export function collectEmptyBlocks(
  state: IpamState,
  options: { readonly now: number; readonly cooldown: Duration; readonly limit: number },
): Plan {
  const writes: Write[] = [];
  for (const { block, occupancy } of state.allEmpty()) {
    if (writes.length >= options.limit) break;
    if (occupancy.restingSince <= options.now - options.cooldown)
      writes.push({ kind: "delete-block", cidr: block.cidr });
  }
  return { writes, guards: [] };
}
