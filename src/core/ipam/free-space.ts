// Where a new block fits: the lowest aligned gap of a group's prefix, from a starting point on and round to it again.
// Decides nothing about owners.
import { type Cidr, sizeOf } from "../net/cidr.ts";
import { type Range, rangeOf } from "../net/range.ts";
import { covers, overlapping, type RangeSet } from "../net/range-set.ts";

/** What is in the way, of one family. */
export type Space = {
  /** All blocks. */
  readonly occupied: RangeSet;
  /** All blackouts: given to nobody. */
  readonly reserved: RangeSet;
  /** All reservations. A block that shares an address with one is never chosen freely. */
  readonly kept: RangeSet;
};

/**
 * A block of `length` bits inside `prefix` that touches no block and no reservation, and is not wholly blacked out; the search starts at the
 * `seed`-th block modulo their number. Jumps over whole ranges, so it costs the number of gaps that are too small.
 */
export function freeBlock(space: Space, prefix: Cidr, length: number, seed: number): Cidr | undefined {
  if (length < prefix.length) return undefined;
  const bounds = rangeOf(prefix);
  const size = sizeOf({ ip: prefix.ip, length });
  const blocks = sizeOf(prefix) / size;
  const start = bounds.first + (BigInt(seed) % blocks) * size;
  const value =
    firstGap(space, { first: start, last: bounds.last }, size) ??
    firstGap(space, { first: bounds.first, last: start - 1n }, size);
  return value === undefined ? undefined : { ip: { family: prefix.ip.family, value }, length };
}

/** `within` starts aligned to `size`. */
function firstGap(space: Space, within: Range, size: bigint): bigint | undefined {
  let first = within.first;
  while (first <= within.last) {
    const range = { first, last: first + size - 1n };
    const block = overlapping(space.occupied, range) ?? overlapping(space.kept, range);
    if (block) first = alignUp(block.last + 1n, size);
    else if (covers(space.reserved, range)) first = afterReserved(space, range, size);
    else return first;
  }
  return undefined;
}

/** The block that holds the first address after the blackout: it is free in part. */
function afterReserved(space: Space, range: Range, size: bigint): bigint {
  const blackout = overlapping(space.reserved, range) ?? range;
  return ((blackout.last + 1n) / size) * size;
}

const alignUp = (value: bigint, size: bigint): bigint => ((value + size - 1n) / size) * size;
