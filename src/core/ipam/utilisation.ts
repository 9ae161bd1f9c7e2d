// How full the networks are: by group, with all groups below it, and by tenant. One pass over blocks and their slots.
import type { Duration } from "../../base/clock.ts";
import type { Cidr } from "../net/cidr.ts";
import { type Family } from "../net/ip.ts";
import { type Range, rangeOf, rangeToCidrs } from "../net/range.ts";
import { overlapping, type RangeSet, rangeSet } from "../net/range-set.ts";
import type { Block } from "../model/records.ts";
import { takenSlots } from "../model/slots.ts";
import type { Group } from "../model/topology.ts";
import type { IpamState } from "./state.ts";

/** Addresses by what they are at the moment. */
export type Tally = {
  readonly blocks: number;
  readonly used: number;
  /** Freed a moment ago: not given while others are free. */
  readonly cooling: number;
  /** Of removed hosts: given to nobody else for a while. */
  readonly quarantined: number;
};
export type GroupUse = Tally & {
  readonly network: string;
  /** "" is the whole network. */
  readonly group: string;
  readonly prefix: Cidr;
  readonly size: bigint;
  /** In blackouts and reservations, and neither used nor cooling. */
  readonly reserved: bigint;
  readonly free: bigint;
  /** The largest prefix without a block, a blackout or a reservation; `undefined`: none. */
  readonly largestFree: Cidr | undefined;
};
export type Utilisation = {
  /** By network; parents before children. */
  readonly groups: readonly GroupUse[];
  readonly tenants: ReadonlyMap<string, Tally>;
};
type Counts = { -readonly [K in keyof Tally]: number } & { kept: number };
/** What a new block cannot have, and what is not given freely. */
type Taken = { readonly all: RangeSet; readonly kept: RangeSet };

export function utilisation(
  state: IpamState,
  { now, cooldown }: { readonly now: number; readonly cooldown: Duration },
): Utilisation {
  const taken = { 4: takenOf(state, 4), 6: takenOf(state, 6) };
  const leaves = new Map<string, Counts>();
  const tenants = new Map<string, Counts>();
  for (const { block } of state.blocks.values())
    for (const counts of [at(leaves, leafKey(block.network, block.group)), at(tenants, block.tenant)])
      countSlots(counts, block, { now, rested: now - cooldown, kept: taken[block.cidr.ip.family].kept });
  const groups = state.topology.trees.flatMap(({ networks, root }) =>
    networks.flatMap((network) => usesBelow(network, root, leaves, taken)),
  );
  return { groups, tenants: new Map([...tenants].map(([name, counts]) => [name, tallyOf(counts)])) };
}

function takenOf({ spaces }: IpamState, family: Family): Taken {
  const { occupied, reserved, kept } = spaces[family];
  const notGiven = [...reserved.ranges, ...kept.ranges];
  return { all: rangeSet([...occupied.ranges, ...notGiven]), kept: rangeSet(notGiven) };
}

/** The group's row, and those of all below it. */
function usesBelow(
  network: string,
  group: Group,
  leaves: ReadonlyMap<string, Counts>,
  taken: Readonly<Record<Family, Taken>>,
): GroupUse[] {
  const below = (each: Group): Counts =>
    each.groups.map(below).reduce(sum, leaves.get(leafKey(network, each.path)) ?? zero());
  const prefix = group.prefixes[network];
  const rest = group.groups.flatMap((child) => usesBelow(network, child, leaves, taken));
  if (!prefix) return rest;
  const counts = below(group);
  const { all, kept } = taken[prefix.ip.family];
  const bounds = rangeOf(prefix);
  const size = bounds.last - bounds.first + 1n;
  const reserved = covered(kept, bounds) - BigInt(counts.kept);
  const free = size - reserved - BigInt(counts.used + counts.cooling + counts.quarantined);
  const place = { network, group: group.path, prefix, size };
  return [{ ...place, ...tallyOf(counts), reserved, free, largestFree: largestGap(all, prefix) }, ...rest];
}

type Slots = { readonly now: number; readonly rested: number; readonly kept: RangeSet };

function countSlots(counts: Counts, block: Block, { now, rested, kept }: Slots): void {
  counts.blocks++;
  const mayBeKept = overlapping(kept, rangeOf(block.cidr)) !== undefined;
  for (const [offset, slot] of takenSlots(block.slots)) {
    if (slot.state === "used") counts.used++;
    else if (slot.quarantined && slot.since > now) counts.quarantined++;
    else if (slot.since > rested) counts.cooling++;
    else continue;
    const value = block.cidr.ip.value + BigInt(offset);
    if (mayBeKept && overlapping(kept, { first: value, last: value })) counts.kept++;
  }
}

/** Addresses of the set within `bounds`. */
function covered(set: RangeSet, bounds: Range): bigint {
  let count = 0n;
  for (let first = bounds.first; ;) {
    const range = overlapping(set, { first, last: bounds.last });
    if (!range) return count;
    const last = range.last < bounds.last ? range.last : bounds.last;
    count += last - (range.first > first ? range.first : first) + 1n;
    first = last + 1n;
  }
}

function largestGap(set: RangeSet, prefix: Cidr): Cidr | undefined {
  const bounds = rangeOf(prefix);
  let best: Cidr | undefined;
  for (let first = bounds.first; first <= bounds.last;) {
    const next = overlapping(set, { first, last: bounds.last });
    const last = next ? next.first - 1n : bounds.last;
    // Only a gap that is wide enough can hold a larger one.
    for (const cidr of last >= first ? rangeToCidrs(prefix.ip.family, { first, last }) : [])
      if (!best || cidr.length < best.length) best = cidr;
    first = next ? next.last + 1n : bounds.last + 1n;
  }
  return best;
}

// Names hold no such character.
const leafKey = (network: string, group: string): string => `${network}\0${group}`;
const zero = (): Counts => ({ blocks: 0, used: 0, cooling: 0, quarantined: 0, kept: 0 });
const tallyOf = ({ blocks, used, cooling, quarantined }: Counts): Tally => ({
  ...{ blocks, used, cooling, quarantined },
});
const sum = (a: Counts, b: Counts): Counts => ({
  blocks: a.blocks + b.blocks,
  used: a.used + b.used,
  cooling: a.cooling + b.cooling,
  quarantined: a.quarantined + b.quarantined,
  kept: a.kept + b.kept,
});

function at(counts: Map<string, Counts>, key: string): Counts {
  const known = counts.get(key) ?? zero();
  counts.set(key, known);
  return known;
}
