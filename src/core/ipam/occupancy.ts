// What a block has left to give freely, counted from its slots, the blackouts and the reservations. Pure; knows no other block.
import { firstIp, sizeOf } from "../net/cidr.ts";
import { rangeOf } from "../net/range.ts";
import { overlapping, type RangeSet } from "../net/range-set.ts";
import type { Block } from "../model/records.ts";
import type { Space } from "./free-space.ts";

type Cooling = { readonly offset: number; readonly since: number; readonly quarantined: boolean };
/** What an allocation wants to know of a block without walking its slots. */
export type Occupancy = {
  /** Slots in use. */
  readonly used: number;
  /** Lowest offset that is neither given, nor cooling, nor reserved. */
  readonly free: number | undefined;
  /** The slot that cools longest and is not reserved. */
  readonly cooling: Cooling | undefined;
  /** When the last slot began to cool; `-Infinity` where none does. */
  readonly restingSince: number;
  /** When the last quarantine of a slot ends; `-Infinity` where none was. */
  readonly quarantinedUntil: number;
};
/**
 * Counts `block` anew; at most one step a slot and one a blackout inside the block. One that a reservation touches gives nothing freely, so
 * that it empties and makes room.
 */
export function occupancyOf(block: Block, { reserved, kept }: Space): Occupancy {
  let used = 0;
  let cooling: Occupancy["cooling"];
  let restingSince = -Infinity;
  let quarantinedUntil = -Infinity;
  // By hand: this is counted at every write of a block.
  for (let offset = 0; offset < block.slots.length; offset++) {
    const slot = block.slots[offset];
    if (slot?.state === "used") used++;
    else if (slot) {
      const { since, quarantined = false } = slot;
      if (since > restingSince) restingSince = since;
      if (quarantined && since > quarantinedUntil) quarantinedUntil = since;
      if ((!cooling || since < cooling.since) && !isReserved(block, offset, reserved))
        cooling = { offset, since, quarantined };
    }
  }
  const rest = { used, restingSince, quarantinedUntil };
  if (touches(block, kept)) return { ...rest, free: undefined, cooling: undefined };
  return { ...rest, free: lowestFree(block, reserved), cooling };
}

/** Lowest offset without a slot and outside of every blackout. */
export function lowestFree(block: Block, reserved: RangeSet): number | undefined {
  if (!touches(block, reserved)) return lowestAbsent(block);
  const base = firstIp(block.cidr).value;
  const size = sizeOf(block.cidr);
  let offset = 0n;
  while (offset < size) {
    const value = base + offset;
    const blackout = overlapping(reserved, { first: value, last: value });
    if (blackout) offset = blackout.last + 1n - base;
    else if (block.slots[Number(offset)]) offset++;
    else return Number(offset);
  }
  return undefined;
}

function lowestAbsent({ cidr, slots }: Block): number | undefined {
  const gap = slots.indexOf(undefined);
  const offset = gap < 0 ? slots.length : gap;
  return offset < Number(sizeOf(cidr)) ? offset : undefined;
}

/** Asked at every write of a block, and mostly of an empty set. */
const touches = ({ cidr }: Block, set: RangeSet): boolean =>
  set.ranges.length > 0 && overlapping(set, rangeOf(cidr)) !== undefined;

function isReserved(block: Block, offset: number, reserved: RangeSet): boolean {
  const value = firstIp(block.cidr).value + BigInt(offset);
  return overlapping(reserved, { first: value, last: value }) !== undefined;
}
