// A set of addresses of one family as sorted, disjoint, non-adjacent ranges. Owns no meaning. Costs O(log n) to look up, one
// array shift to change.
import type { Range } from "./range.ts";

export type RangeSet = { readonly ranges: readonly Range[] };
/** Changed only through `addRange` and `removeRange`. */
export type MutableRangeSet = { readonly ranges: Range[] };

/** The addresses of `items`, which may overlap and come in any order. */
export function rangeSet(items: readonly Range[] = []): MutableRangeSet {
  const ranges: Range[] = [];
  for (const next of items.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const top = ranges.at(-1);
    if (!top || next.first > top.last + 1n) ranges.push(next);
    else if (next.last > top.last) ranges[ranges.length - 1] = { first: top.first, last: next.last };
  }
  return { ranges };
}

export function addRange(set: MutableRangeSet, { first, last }: Range): void {
  // Neighbours that touch are merged, so the search starts one address to the left and ends one to the right.
  const from = indexFrom(set, first - 1n);
  const until = indexFrom(set, last + 2n);
  const to = startsBy(set, until, last + 1n) ? until + 1 : until;
  const low = set.ranges[from];
  const high = set.ranges[to - 1];
  const merged =
    to > from && low && high
      ? { first: low.first < first ? low.first : first, last: high.last > last ? high.last : last }
      : { first, last };
  set.ranges.splice(from, to - from, merged);
}

export function removeRange(set: MutableRangeSet, { first, last }: Range): void {
  const from = indexFrom(set, first);
  const until = indexFrom(set, last + 1n);
  const to = startsBy(set, until, last) ? until + 1 : until;
  const rest: Range[] = [];
  const low = set.ranges[from];
  const high = set.ranges[to - 1];
  if (to <= from || !low || !high) return;
  if (low.first < first) rest.push({ first: low.first, last: first - 1n });
  if (high.last > last) rest.push({ first: last + 1n, last: high.last });
  set.ranges.splice(from, to - from, ...rest);
}

/** The lowest range that shares an address with `range`. */
export function overlapping(set: RangeSet, { first, last }: Range): Range | undefined {
  const found = set.ranges[indexFrom(set, first)];
  return found && found.first <= last ? found : undefined;
}

/** Whether the whole of `range` is in the set. */
export function covers(set: RangeSet, range: Range): boolean {
  const found = overlapping(set, range);
  return found !== undefined && found.first <= range.first && found.last >= range.last;
}

/** Index of the lowest range that ends at or after `value`. */
function indexFrom(set: RangeSet, value: bigint): number {
  let low = 0;
  let high = set.ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = set.ranges[middle];
    if (range && range.last < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function startsBy(set: RangeSet, index: number, value: bigint): boolean {
  const range = set.ranges[index];
  return range !== undefined && range.first <= value;
}
