// The addresses of pods, each in a cell: all of a block are in the block's, any other has a cell for itself. The cell is the unit in which
// sets are kept: a block that holds nobody else than those meant is one element of their set, however many pods come and go in it.
import { type Cidr, containsCidr, formatCidr, hostCidr } from "../net/cidr.ts";
import { prefixMap } from "../net/prefix-map.ts";
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
  /** The cells of the member's addresses. Needs not be in them. */
  of(member: Member): Cell[];
  add(member: Member): void;
  delete(member: Member): void;
  block(cidr: Cidr): Cell | undefined;
  /** Where the addresses of a block are that is not there yet. */
  inside(cidr: Cidr): Cell[];
  putBlock(block: PolicyBlock): Cell;
  deleteBlock(cidr: Cidr): void;
};

const keyed = (cidr: Cidr): Keyed => ({ key: formatCidr(cidr), element: { cidr } });

export const ownerOf = ({ tenant, segment, host }: PolicyBlock): Owner => ({
  tenant,
  host,
  labels: segment === "" ? {} : { [SEGMENT_LABEL]: segment },
});

export function createCells(): Cells {
  const blocks = prefixMap<Cell>();
  /** By address: those in no block. */
  const loose = new Map<string, Cell>();
  /** Where each address is: a look-up in `blocks` costs more. */
  const where = new Map<Keyed, Cell>();
  const cellAt = (address: Keyed): Cell =>
    where.get(address) ??
    blocks.lookup(address.element.cidr.ip)?.value ??
    loose.get(address.key) ?? { block: undefined, members: new Map() };
  const settle = (cell: Cell, address: Keyed, pod: PolicyPod): void => {
    cell.members.set(address, pod);
    where.set(address, cell);
    if (!cell.block) loose.set(address.key, cell);
  };
  const leave = (cell: Cell, address: Keyed): void => {
    cell.members.delete(address);
    where.delete(address);
    if (!cell.block && cell.members.size === 0) loose.delete(address.key);
  };
  const inside = (cidr: Cidr): Cell[] =>
    [...loose.values()].filter((cell) =>
      [...cell.members.keys()].some(({ element }) => containsCidr(cidr, element.cidr)),
    );
  /** Gives the members a cell anew, after blocks have changed. */
  const resettle = (cells: readonly Cell[]): void => {
    for (const cell of cells)
      for (const [address, pod] of [...cell.members]) {
        leave(cell, address);
        settle(cellAt(address), address, pod);
      }
  };
  return {
    of: ({ addresses }) => [...new Set(addresses.map(cellAt))],
    add: ({ pod, addresses }) => addresses.forEach((address) => settle(cellAt(address), address, pod)),
    delete: ({ addresses }) => addresses.forEach((address) => leave(cellAt(address), address)),
    block: (cidr) => blocks.get(cidr)?.value,
    inside,
    putBlock(block) {
      const before = blocks.get(block.cidr)?.value;
      const cell: Cell = { block: { ...keyed(block.cidr), owner: ownerOf(block) }, members: new Map() };
      const moving = before ? [before] : inside(block.cidr);
      blocks.insert(block.cidr, cell);
      resettle(moving);
      return cell;
    },
    deleteBlock(cidr) {
      const cell = blocks.get(cidr)?.value;
      blocks.delete(cidr);
      if (cell) resettle([cell]);
    },
  };
}
