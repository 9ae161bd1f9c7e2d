// All blocks with what finding one quickly needs: by prefix, by owner, by host, the empty ones by place, and the space
// they occupy. Changed only by the state that owns it; every index follows from the blocks and the blackouts alone.
import { type Cidr, cidrOf, formatCidr } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";
import type { Block } from "../model/records.ts";
import { rangeOf, type Space } from "./free-space.ts";
import { type Occupancy, occupancyOf } from "./occupancy.ts";
import { addRange, createRangeSet, removeRange } from "./range-set.ts";

export type IndexedBlock = { readonly key: string; readonly block: Block; readonly occupancy: Occupancy };
type Entry = { key: string; block: Block; occupancy: Occupancy };

/** Blocks of one (network, host, tenant, segment) that may have an address to give. */
export type Owned = { readonly open: ReadonlySet<IndexedBlock>; readonly cooling: ReadonlySet<IndexedBlock> };
type Owner = Pick<Block, "network" | "host" | "tenant" | "segment">;
type Sets = Map<string, Set<Entry>>;

export type BlockIndex = {
  /** By canonical CIDR text. */
  readonly blocks: ReadonlyMap<string, IndexedBlock>;
  readonly spaces: Readonly<Record<Family, Space>>;
  readonly blocksOfHost: (host: string) => ReadonlySet<IndexedBlock>;
  readonly owned: (owner: Owner) => Owned;
  /** Blocks without a used slot, the longest empty first. */
  readonly empty: (network: string, group: string) => ReadonlySet<IndexedBlock>;
  readonly allEmpty: () => Iterable<IndexedBlock>;
  readonly blockAt: (ip: Ip) => IndexedBlock | undefined;
  readonly put: (block: Block) => void;
  readonly drop: (cidr: Cidr) => void;
  readonly reserve: (blackouts: Iterable<Cidr>) => void;
};

const NONE: Set<never> = new Set();

export function createBlockIndex(): BlockIndex {
  const blocks = new Map<string, Entry>();
  const open: Sets = new Map();
  const cooling: Sets = new Map();
  const empty: Sets = new Map();
  const hosts: Sets = new Map();
  /** How many blocks of each length there are, so that `blockAt` tries no other. */
  const lengths: Record<Family, Map<number, number>> = { 4: new Map(), 6: new Map() };
  const spaces = { 4: newSpace(), 6: newSpace() };

  function link(entry: Entry, present: boolean): void {
    const { block, occupancy } = entry;
    member(open, ownerKey(block), entry, present && occupancy.free !== undefined);
    member(cooling, ownerKey(block), entry, present && occupancy.cooling !== undefined);
    member(empty, placeKey(block.network, block.group), entry, present && occupancy.used === 0);
    member(hosts, block.host, entry, present);
  }
  function put(block: Block): void {
    const key = formatCidr(block.cidr);
    const { reserved } = spaces[block.cidr.ip.family];
    const entry = blocks.get(key) ?? { key, block, occupancy: occupancyOf(block, reserved) };
    if (!blocks.has(key)) occupy(block.cidr);
    else if (!sameIndexes(entry.block, block)) link(entry, false);
    entry.block = block;
    entry.occupancy = occupancyOf(block, reserved);
    blocks.set(key, entry);
    link(entry, true);
  }
  function occupy(cidr: Cidr): void {
    addRange(spaces[cidr.ip.family].occupied, rangeOf(cidr));
    const count = lengths[cidr.ip.family];
    count.set(cidr.length, (count.get(cidr.length) ?? 0) + 1);
  }
  function drop(cidr: Cidr): void {
    const entry = blocks.get(formatCidr(cidr));
    if (!entry) return;
    link(entry, false);
    blocks.delete(entry.key);
    removeRange(spaces[cidr.ip.family].occupied, rangeOf(cidr));
    const count = lengths[cidr.ip.family];
    const rest = (count.get(cidr.length) ?? 1) - 1;
    if (rest > 0) count.set(cidr.length, rest);
    else count.delete(cidr.length);
  }
  function reserve(blackouts: Iterable<Cidr>): void {
    for (const space of Object.values(spaces)) space.reserved.ranges.length = 0;
    for (const cidr of blackouts) addRange(spaces[cidr.ip.family].reserved, rangeOf(cidr));
    for (const { block } of [...blocks.values()]) put(block);
  }
  function blockAt(ip: Ip): IndexedBlock | undefined {
    for (const length of lengths[ip.family].keys()) {
      const found = blocks.get(formatCidr(cidrOf(ip, length)));
      if (found) return found;
    }
    return undefined;
  }
  return {
    blocks,
    spaces,
    blocksOfHost: (host) => hosts.get(host) ?? NONE,
    owned: (owner) => ({
      open: open.get(ownerKey(owner)) ?? NONE,
      cooling: cooling.get(ownerKey(owner)) ?? NONE,
    }),
    empty: (network, group) => empty.get(placeKey(network, group)) ?? NONE,
    allEmpty: () => [...empty.values()].flatMap((set) => [...set]),
    blockAt,
    put,
    drop,
    reserve,
  };
}

const newSpace = (): Space => ({ occupied: createRangeSet(), reserved: createRangeSet() });

// Names may hold any printable character, so the parts are joined by one that they never hold.
const ownerKey = (b: Owner): string => `${b.network}\0${b.host}\0${b.tenant}\0${b.segment}`;
const placeKey = (network: string, group: string): string => `${network}\0${group}`;
const sameIndexes = (a: Block, b: Block): boolean =>
  a.group === b.group && a.host === b.host && ownerKey(a) === ownerKey(b);

/** A member that stays keeps its place, so that older blocks fill up before younger ones. */
function member(sets: Sets, key: string, entry: Entry, present: boolean): void {
  const set = sets.get(key);
  if (present && set) set.add(entry);
  else if (present) sets.set(key, new Set([entry]));
  else if (set?.delete(entry) && set.size === 0) sets.delete(key);
}
