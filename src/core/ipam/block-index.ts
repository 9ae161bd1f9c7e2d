// All blocks with what finding one quickly needs: by prefix, by owner, by host, the empty ones by place, and the space
// they occupy. Changed only by the state that owns it; every index follows from the blocks, the blackouts and the reservations alone.
import { type Cidr, cidrOf, formatCidr, overlaps } from "../net/cidr.ts";
import type { Family, Ip } from "../net/ip.ts";
import { rangeOf } from "../net/range.ts";
import { addRange, type MutableRangeSet, rangeSet, removeRange } from "../net/range-set.ts";
import type { Block } from "../model/records.ts";
import type { Space } from "./free-space.ts";
import { type Occupancy, occupancyOf } from "./occupancy.ts";

export type IndexedBlock = { readonly key: string; readonly block: Block; readonly occupancy: Occupancy };
type Entry = { key: string; block: Block; occupancy: Occupancy };

/** Blocks of one (network, host, tenant, segment) that may have an address to give. */
export type Owned = { readonly open: ReadonlySet<IndexedBlock>; readonly cooling: ReadonlySet<IndexedBlock> };
type Owner = Pick<Block, "network" | "host" | "tenant" | "segment">;
type Sets = Map<string, Set<Entry>>;

/** What is not given freely: blackouts, or reservations. */
export type ReservedSet = Exclude<keyof Space, "occupied">;

export type BlockIndex = {
  /** By canonical CIDR text. */
  readonly blocks: ReadonlyMap<string, IndexedBlock>;
  readonly spaces: Readonly<Record<Family, Space>>;
  readonly blocksOfHost: (host: string) => ReadonlySet<IndexedBlock>;
  readonly owned: (owner: Owner) => Owned;
  /** Blocks without a used slot, the longest empty first. */
  readonly empty: (network: string, group: string) => ReadonlySet<IndexedBlock>;
  readonly allEmpty: () => Iterable<IndexedBlock>;
  /** Slots that a tenant uses in a network. */
  readonly used: (tenant: string, network: string) => number;
  readonly blockAt: (ip: Ip) => IndexedBlock | undefined;
  readonly put: (block: Block) => void;
  readonly drop: (cidr: Cidr) => void;
  readonly reserve: (set: ReservedSet, cidr: Cidr) => void;
  /** Takes `cidr` out; `left` is all that the set is made of then, for they may overlap. */
  readonly unreserve: (set: ReservedSet, cidr: Cidr, left: Iterable<Cidr>) => void;
};

/** Everything here follows from `blocks`, the blackouts and the reservations. */
type Tables = {
  readonly blocks: Map<string, Entry>;
  readonly open: Sets;
  readonly cooling: Sets;
  readonly empty: Sets;
  readonly hosts: Sets;
  readonly used: Map<string, number>;
  /** How many blocks of each length there are, so that `blockAt` tries no other. */
  readonly lengths: Readonly<Record<Family, Map<number, number>>>;
  readonly spaces: Readonly<Record<Family, Readonly<Record<keyof Space, MutableRangeSet>>>>;
};
const NONE: ReadonlySet<never> = new Set();

export function createBlockIndex(): BlockIndex {
  const tables: Tables = {
    blocks: new Map(),
    open: new Map(),
    cooling: new Map(),
    empty: new Map(),
    hosts: new Map(),
    used: new Map(),
    lengths: { 4: new Map(), 6: new Map() },
    spaces: { 4: newSpace(), 6: newSpace() },
  };
  const { blocks, open, cooling, empty, hosts, used, spaces } = tables;
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
    used: (tenant, network) => used.get(placeKey(network, tenant)) ?? 0,
    blockAt: (ip) => blockAt(tables, ip),
    put: (block) => put(tables, block),
    drop: (cidr) => drop(tables, cidr),
    reserve: (set, cidr) => {
      addRange(spaces[cidr.ip.family][set], rangeOf(cidr));
      recount(tables, cidr);
    },
    unreserve: (set, cidr, left) => {
      spaces[cidr.ip.family][set].ranges.length = 0;
      for (const each of left)
        if (each.ip.family === cidr.ip.family) addRange(spaces[cidr.ip.family][set], rangeOf(each));
      recount(tables, cidr);
    },
  };
}

function put(tables: Tables, block: Block): void {
  const key = formatCidr(block.cidr);
  const occupancy = occupancyOf(block, tables.spaces[block.cidr.ip.family]);
  const known = tables.blocks.get(key);
  const isSame = known !== undefined && sameIndexes(known.block, block);
  if (!known) occupy(tables, block.cidr);
  else if (!isSame) link(tables, known, false);
  if (isSame) count(tables, block, occupancy.used - known.occupancy.used);
  else {
    if (known) count(tables, known.block, -known.occupancy.used);
    count(tables, block, occupancy.used);
  }
  const isListed = isSame && sameLists(known.occupancy, occupancy);
  const entry = known ?? { key, block, occupancy };
  // The entry stays the same object, so it keeps its place in the sets that it stays in.
  entry.block = block;
  entry.occupancy = occupancy;
  if (!known) tables.blocks.set(key, entry);
  if (!isListed) link(tables, entry, true);
}

function drop(tables: Tables, cidr: Cidr): void {
  const entry = tables.blocks.get(formatCidr(cidr));
  if (!entry) return;
  link(tables, entry, false);
  count(tables, entry.block, -entry.occupancy.used);
  tables.blocks.delete(entry.key);
  removeRange(tables.spaces[cidr.ip.family].occupied, rangeOf(cidr));
  const lengths = tables.lengths[cidr.ip.family];
  const rest = (lengths.get(cidr.length) ?? 1) - 1;
  if (rest > 0) lengths.set(cidr.length, rest);
  else lengths.delete(cidr.length);
}

/** Blackouts and reservations change seldom: every block is looked at, and counted anew where it may give more or less. */
function recount(tables: Tables, changed: Cidr): void {
  for (const { block } of [...tables.blocks.values()]) if (overlaps(block.cidr, changed)) put(tables, block);
}

function blockAt(tables: Tables, ip: Ip): Entry | undefined {
  for (const length of tables.lengths[ip.family].keys()) {
    const found = tables.blocks.get(formatCidr(cidrOf(ip, length)));
    if (found) return found;
  }
  return undefined;
}

function occupy(tables: Tables, cidr: Cidr): void {
  addRange(tables.spaces[cidr.ip.family].occupied, rangeOf(cidr));
  const lengths = tables.lengths[cidr.ip.family];
  lengths.set(cidr.length, (lengths.get(cidr.length) ?? 0) + 1);
}

function count({ used }: Tables, { network, tenant }: Block, change: number): void {
  if (change === 0) return;
  const key = placeKey(network, tenant);
  const sum = (used.get(key) ?? 0) + change;
  if (sum === 0) used.delete(key);
  else used.set(key, sum);
}

function link(tables: Tables, entry: Entry, present: boolean): void {
  const { block, occupancy } = entry;
  const owner = ownerKey(block);
  member(tables.open, owner, entry, present && occupancy.free !== undefined);
  member(tables.cooling, owner, entry, present && occupancy.cooling !== undefined);
  member(tables.empty, placeKey(block.network, block.group), entry, present && occupancy.used === 0);
  member(tables.hosts, block.host, entry, present);
}

const newSpace = () => ({ occupied: rangeSet(), reserved: rangeSet(), kept: rangeSet() });

// Names may hold any printable character, so the parts are joined by one that they never hold.
const ownerKey = (b: Owner): string => `${b.network}\0${b.host}\0${b.tenant}\0${b.segment}`;
const placeKey = (network: string, groupOrTenant: string): string => `${network}\0${groupOrTenant}`;
const sameIndexes = (a: Block, b: Block): boolean =>
  a.group === b.group &&
  a.host === b.host &&
  a.network === b.network &&
  a.tenant === b.tenant &&
  a.segment === b.segment;
const sameLists = (a: Occupancy, b: Occupancy): boolean =>
  (a.free === undefined) === (b.free === undefined) &&
  (a.cooling === undefined) === (b.cooling === undefined) &&
  (a.used === 0) === (b.used === 0);

/** A member that stays keeps its place, so that older blocks fill up before younger ones. */
function member(sets: Sets, key: string, entry: Entry, present: boolean): void {
  const set = sets.get(key);
  if (present && set) set.add(entry);
  else if (present) sets.set(key, new Set([entry]));
  else if (set?.delete(entry) && set.size === 0) sets.delete(key);
}
