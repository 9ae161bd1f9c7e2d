// Sets of addresses of both families and their algebra. Immutable: every operation returns a new set.
// Two sets with the same addresses have the same edges, so equality is equality of edges.
import { type Cidr, lastIp } from "./cidr.ts";
import type { Family, Ip } from "./ip.ts";
import { cidrToRange, type IpRange, rangeToCidrs } from "./range.ts";

/** Ascending addresses at which membership flips: in from the 1st, out from the 2nd, in from the 3rd... Even in number. */
type Edges = readonly bigint[];
export type PrefixSet = Readonly<Record<Family, Edges>>;

export const emptySet: PrefixSet = { 4: [], 6: [] };

/** The set of all addresses in `items`, which may overlap and come in any order. O(n log n). */
export function prefixSet(items: Iterable<Ip | Cidr | IpRange>): PrefixSet {
  const ranges: Record<Family, IpRange[]> = { 4: [], 6: [] };
  for (const item of items) {
    const range = toRange(item);
    ranges[range.first.family].push(range);
  }
  return { 4: edgesOf(ranges[4]), 6: edgesOf(ranges[6]) };
}

export const union = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, (inA, inB) => inA || inB);
export const intersect = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, (inA, inB) => inA && inB);
/** What is in `a` and not in `b`. */
export const subtract = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, (inA, inB) => inA && !inB);
/** What is in `parent` and not in `set`. */
export const complementWithin = (parent: Cidr, set: PrefixSet): PrefixSet =>
  subtract(prefixSet([parent]), set);

export function equalSets(a: PrefixSet, b: PrefixSet): boolean {
  const equal = (x: Edges, y: Edges): boolean => x.length === y.length && x.every((edge, i) => edge === y[i]);
  return equal(a[4], b[4]) && equal(a[6], b[6]);
}

export const isEmptySet = (set: PrefixSet): boolean => set[4].length === 0 && set[6].length === 0;

/** Number of addresses, both families together. */
export function sizeOfSet(set: PrefixSet): bigint {
  return toRanges(set).reduce((sum, { first, last }) => sum + last.value - first.value + 1n, 0n);
}

export const setHasIp = (set: PrefixSet, ip: Ip): boolean => edgesUpTo(set[ip.family], ip.value) % 2 === 1;

/** Whether every address of `cidr` is in the set. */
export function setHasCidr(set: PrefixSet, cidr: Cidr): boolean {
  const edges = set[cidr.ip.family];
  const passed = edgesUpTo(edges, cidr.ip.value);
  return passed % 2 === 1 && passed === edgesUpTo(edges, lastIp(cidr).value);
}

/** The maximal runs of the set: disjoint, not adjacent, ascending, IPv4 first. */
export function toRanges(set: PrefixSet): IpRange[] {
  const families: readonly Family[] = [4, 6];
  return families.flatMap((family) => runsOf(family, set[family]));
}

/** The fewest prefixes that hold exactly the addresses of the set; ascending, IPv4 first. */
export const toCidrs = (set: PrefixSet): Cidr[] => toRanges(set).flatMap(rangeToCidrs);

/**
 * The fewest prefixes that hold exactly the given addresses: what may be announced, since it never draws the traffic
 * of anybody else. No prefix of a set can reach over the end of a maximal run, so the minimum is found run by run.
 */
export const minimalUnion = (items: Iterable<Ip | Cidr | IpRange>): Cidr[] => toCidrs(prefixSet(items));

function toRange(item: Ip | Cidr | IpRange): IpRange {
  if ("first" in item) return item;
  return "value" in item ? { first: item, last: item } : cidrToRange(item);
}

function edgesOf(ranges: IpRange[]): Edges {
  ranges.sort((a, b) => (a.first.value < b.first.value ? -1 : a.first.value > b.first.value ? 1 : 0));
  const edges: bigint[] = [];
  for (const { first, last } of ranges) {
    const end = last.value + 1n;
    const open = edges.at(-1);
    if (open === undefined || first.value > open) edges.push(first.value, end);
    else if (end > open) edges[edges.length - 1] = end;
  }
  return edges;
}

function runsOf(family: Family, edges: Edges): IpRange[] {
  const runs: IpRange[] = [];
  let start = 0n;
  for (const [i, edge] of edges.entries()) {
    if (i % 2 === 0) start = edge;
    else runs.push({ first: { family, value: start }, last: { family, value: edge - 1n } });
  }
  return runs;
}

/** Membership decided address by address; `keep(false, false)` must be false. */
type Keep = (inA: boolean, inB: boolean) => boolean;

const combine = (a: PrefixSet, b: PrefixSet, keep: Keep): PrefixSet => ({
  4: combineEdges(a[4], b[4], keep),
  6: combineEdges(a[6], b[6], keep),
});

/** One sweep over both lists: an address is an edge of the result where `keep` changes its mind. */
function combineEdges(a: Edges, b: Edges, keep: Keep): Edges {
  const edges: bigint[] = [];
  for (let i = 0, j = 0; ;) {
    const edgeA = a[i];
    const edgeB = b[j];
    const at = edgeA === undefined || (edgeB !== undefined && edgeB < edgeA) ? edgeB : edgeA;
    if (at === undefined) return edges;
    if (edgeA === at) i++;
    if (edgeB === at) j++;
    if (keep(i % 2 === 1, j % 2 === 1) !== (edges.length % 2 === 1)) edges.push(at);
  }
}

/** How many edges are at or before `value` (binary search); odd means inside. */
function edgesUpTo(edges: Edges, value: bigint): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] ?? 0n) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
