// Sets of addresses of both families and their algebra. Immutable: every operation returns a new set.
// Two sets with the same addresses are deeply equal.
import type { Cidr } from "./cidr.ts";
import { bitsOf, type Family, type Ip } from "./ip.ts";
import { type Range, rangeOf, rangeToCidrs } from "./range.ts";
import { covers, type RangeSet, rangeSet } from "./range-set.ts";

export type PrefixSet = Readonly<Record<Family, RangeSet>>;

/** The set of all addresses in `items`, which may overlap and come in any order. O(n log n). */
export function prefixSet(items: Iterable<Ip | Cidr>): PrefixSet {
  const ranges: Record<Family, Range[]> = { 4: [], 6: [] };
  for (const item of items)
    if ("value" in item) ranges[item.family].push({ first: item.value, last: item.value });
    else ranges[item.ip.family].push(rangeOf(item));
  return { 4: rangeSet(ranges[4]), 6: rangeSet(ranges[6]) };
}

export const union = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, (inA, inB) => inA || inB);
export const intersect = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, (inA, inB) => inA && inB);
/** What is in `a` and not in `b`. */
export const subtract = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, (inA, inB) => inA && !inB);
/** What is in `parent` and not in `set`. */
export const complementWithin = (parent: Cidr, set: PrefixSet): PrefixSet =>
  subtract(prefixSet([parent]), set);

export const setHasIp = (set: PrefixSet, { family, value }: Ip): boolean =>
  covers(set[family], { first: value, last: value });
/** Whether every address of `cidr` is in the set. */
export const setHasCidr = (set: PrefixSet, cidr: Cidr): boolean => covers(set[cidr.ip.family], rangeOf(cidr));

/** Minimal cover: the fewest prefixes that hold exactly the addresses of the set; ascending, IPv4 first. */
export function toCidrs(set: PrefixSet): Cidr[] {
  const families: readonly Family[] = [4, 6];
  return families.flatMap((family) => set[family].ranges.flatMap((range) => rangeToCidrs(family, range)));
}

/**
 * The fewest prefixes that hold exactly the given addresses: what may be announced, since it never draws the traffic
 * of anybody else. No prefix of a set can reach over the end of a maximal range, so the minimum is found range by range.
 */
export const minimalUnion = (items: Iterable<Ip | Cidr>): Cidr[] => toCidrs(prefixSet(items));

/** Membership decided address by address; `keep(false, false)` must be false. */
type Keep = (inA: boolean, inB: boolean) => boolean;

const combine = (a: PrefixSet, b: PrefixSet, keep: Keep): PrefixSet => ({
  4: combineRanges(4, a[4], b[4], keep),
  6: combineRanges(6, a[6], b[6], keep),
});

/**
 * One sweep over the edges of both sets, the addresses where membership flips: an address is an edge of the result
 * where `keep` changes its mind.
 */
function combineRanges(family: Family, a: RangeSet, b: RangeSet, keep: Keep): RangeSet {
  const ranges: Range[] = [];
  const end = 1n << BigInt(bitsOf(family));
  let first: bigint | undefined;
  for (let i = 0, j = 0; ;) {
    const edgeA = edgeAt(a, i) ?? end;
    const edgeB = edgeAt(b, j) ?? end;
    const at = edgeA < edgeB ? edgeA : edgeB;
    if (edgeA === at) i++;
    if (edgeB === at) j++;
    const isIn = at < end && keep(i % 2 === 1, j % 2 === 1);
    if (isIn) first ??= at;
    else if (first !== undefined) {
      ranges.push({ first, last: at - 1n });
      first = undefined;
    }
    if (at === end) return { ranges };
  }
}

/** Edges in ascending order: the first address of the lowest range, the address after its last, and so on. */
function edgeAt({ ranges }: RangeSet, index: number): bigint | undefined {
  const range = ranges[index >>> 1];
  return range && (index % 2 === 0 ? range.first : range.last + 1n);
}
