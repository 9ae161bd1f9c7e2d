// The addresses of pods, each in a cell: all of a block are in the block's, any other has a cell for itself. The cell is the unit in which
// sets are kept: a block that holds nobody else than those meant is one element of their set, however many pods come and go in it.
import { type Cidr, containsCidr, formatCidr, hostCidr } from "../net/cidr.ts";
import { prefixMap, type PrefixMap } from "../net/prefix-map.ts";
import type { SetElement } from "../model/node-policy.ts";
import { type Labels, type PolicyBlock, type PolicyPod, SEGMENT_LABEL } from "../model/policy.ts";

/** An element with its key: made once, as the same address goes in and out of many sets. */
export type Keyed = { readonly key: string; readonly element: SetElement };

/** A pod with an address of its own, and its addresses. */
export type Member = { readonly pod: PolicyPod; readonly addresses: readonly Keyed[] };
export const memberOf = (pod: PolicyPod): Member => ({
  pod,
  addresses: pod.ips.map((ip) => keyed(hostCidr(ip))),
});

export type Cell = {
  readonly block: (Keyed & { readonly owner: Owner }) | undefined;
  /** Two pods may claim one address for a moment, when changes come out of order. */
  readonly members: Map<Keyed, PolicyPod>;
};
/** Whose the addresses of a block are: looks like a pod to a selector. */
export type Owner = { readonly tenant: string; readonly labels: Labels; readonly host: string };

export type Cells = {
  readonly blocks: PrefixMap<Cell>;
  /** By address: those in no block. */
  readonly loose: Map<string, Cell>;
  /** Where each address is: a look-up in `blocks` costs more. */
  readonly where: Map<Keyed, Cell>;
};
export const createCells = (): Cells => ({ blocks: prefixMap(), loose: new Map(), where: new Map() });

const keyed = (cidr: Cidr): Keyed => ({ key: formatCidr(cidr), element: { cidr } });

export const ownerOf = ({ tenant, segment, host }: PolicyBlock): Owner => ({
  tenant,
  host,
  labels: segment === "" ? {} : { [SEGMENT_LABEL]: segment },
});

export const isOwner = (owner: Owner, { tenant, segment, host }: PolicyBlock): boolean =>
  owner.tenant === tenant && owner.host === host && (owner.labels[SEGMENT_LABEL] ?? "") === segment;

export const blockCell = ({ blocks }: Cells, cidr: Cidr): Cell | undefined => blocks.get(cidr)?.value;

/** The cells of the member's addresses, whether it is in them or not. */
export const cellsOf = (cells: Cells, { addresses }: Member): Cell[] => [
  ...new Set(addresses.map((address) => cellAt(cells, address))),
];

const cellAt = ({ blocks, loose, where }: Cells, address: Keyed): Cell =>
  where.get(address) ??
  blocks.lookup(address.element.cidr.ip)?.value ??
  loose.get(address.key) ?? { block: undefined, members: new Map() };

export function settle(cells: Cells, { pod, addresses }: Member): void {
  for (const address of addresses) enter(cells, address, pod);
}

export function unsettle(cells: Cells, { addresses }: Member): void {
  for (const address of addresses) leave(cells, address);
}

function enter(cells: Cells, address: Keyed, pod: PolicyPod): void {
  const cell = cellAt(cells, address);
  cell.members.set(address, pod);
  cells.where.set(address, cell);
  if (!cell.block) cells.loose.set(address.key, cell);
}

function leave({ loose, where }: Cells, address: Keyed): void {
  const cell = where.get(address);
  where.delete(address);
  cell?.members.delete(address);
  if (cell && !cell.block && cell.members.size === 0) loose.delete(address.key);
}

export function* allCells({ blocks, loose }: Cells): Generator<Cell> {
  for (const { value } of blocks.entries()) yield value;
  yield* loose.values();
}

/** Cells in no block, with an address inside. */
export const looseInside = ({ loose }: Cells, cidr: Cidr): Cell[] =>
  [...loose.values()].filter(({ members }) =>
    [...members.keys()].some(({ element }) => containsCidr(cidr, element.cidr)),
  );

/** The block's cell, with all addresses inside. */
export function putBlockCell(cells: Cells, block: PolicyBlock): Cell {
  const before = blockCell(cells, block.cidr);
  const moving = before ? [before] : looseInside(cells, block.cidr);
  const cell: Cell = { block: { ...keyed(block.cidr), owner: ownerOf(block) }, members: new Map() };
  cells.blocks.insert(block.cidr, cell);
  moving.forEach((each) => resettle(cells, each));
  return cell;
}

export function deleteBlockCell(cells: Cells, cidr: Cidr): void {
  const cell = blockCell(cells, cidr);
  cells.blocks.delete(cidr);
  if (cell) resettle(cells, cell);
}

/** Gives each address of a cell the cell that is right now. */
function resettle(cells: Cells, { members }: Cell): void {
  for (const [address, pod] of [...members]) {
    leave(cells, address);
    enter(cells, address, pod);
  }
}
