// The binary tree of a route table with, at each node, the labels it could carry in a smallest table: the upward
// passes of ORTC (Draves, King, Venkatachary, Zill: "Constructing optimal IP routing tables", 1999), done while the
// tree is built from sorted prefixes. Paths without branches are compressed. Family 4 and 6 alike; no objects per node.
import { anyOf, type LabelSets, mergeSets, only } from "./label-sets.ts";
import { commonLength, keyBit, lengthOf, type PrefixKeys, sortedOrder } from "./prefix-keys.ts";

/** What happens to addresses that no longer prefix covers: a label above these, or one of these. */
export const NONE = 0;
/** Explicitly unreachable: forwards like `NONE`, but is a route, so `FREE` does not override it. */
export const UNREACHABLE = 1;
/** Not routed, and anything may be done with it. */
export const FREE = -1;

/** Columns by node. Node 0 is the root; children are 0 where there is none. */
export type RouteTree = {
  count: number;
  /** A row of the keys whose first `length` bits are the node's prefix. */
  readonly row: Int32Array;
  readonly length: Uint8Array;
  /** The label of the longest given prefix at or above the node. */
  readonly region: Int32Array;
  readonly children: readonly [Int32Array, Int32Array];
  /** Labels that keep the subtree smallest; all others cost one route more. */
  readonly set: Int32Array;
};

/** `regions[i]` is the label of row i. Of equal rows the last one counts. */
export function buildRouteTree(keys: PrefixKeys, regions: readonly number[], sets: LabelSets): RouteTree {
  const tree = emptyTree(4 * keys.count + 1); // per row: itself, a branch, and the head of the path above each
  const open = [addNode(tree, 0, 0, NONE)]; // each inside the one before
  let previous: number | undefined;
  for (const row of sortedOrder(keys)) {
    if (previous !== undefined) closeBelow(tree, open, commonLength(keys, previous, row), keys, sets);
    openRow(tree, open, row, lengthOf(keys, row), regions[row] ?? NONE);
    previous = row;
  }
  closeBelow(tree, open, 0, keys, sets);
  finish(tree, 0, sets);
  return tree;
}

function emptyTree(capacity: number): RouteTree {
  const column = (): Int32Array => new Int32Array(capacity);
  return {
    count: 0,
    row: column(),
    length: new Uint8Array(capacity),
    region: column(),
    children: [column(), column()],
    set: column(),
  };
}

function addNode(tree: RouteTree, row: number, length: number, region: number): number {
  const node = tree.count++;
  tree.row[node] = row;
  tree.length[node] = length;
  tree.region[node] = region;
  return node;
}

const topOf = (open: readonly number[]): number => open[open.length - 1] ?? 0;

/** Closes what is longer than `length`, where the next row parts from the last, and leaves a node of that length open. */
function closeBelow(
  tree: RouteTree,
  open: number[],
  length: number,
  keys: PrefixKeys,
  sets: LabelSets,
): void {
  while ((tree.length[topOf(open)] ?? 0) > length) {
    const node = open.pop() ?? 0;
    const above = topOf(open);
    if ((tree.length[above] ?? 0) < length)
      open.push(addNode(tree, tree.row[node] ?? 0, length, tree.region[above] ?? NONE));
    finish(tree, node, sets);
    attach(tree, topOf(open), node, keys, sets);
  }
}

/** Opens the node of a row. The top is open, holds the row, and has no child on the row's side yet. */
function openRow(tree: RouteTree, open: number[], row: number, length: number, region: number): void {
  const top = topOf(open);
  const around = tree.region[top] ?? NONE;
  const effective = region === FREE && around !== NONE ? around : region;
  if (tree.length[top] === length) tree.region[top] = effective;
  else open.push(addNode(tree, row, length, effective));
}

/** What the addresses of a node that are in none of its children accept. */
export function regionSet(tree: RouteTree, node: number, sets: LabelSets): number {
  const region = tree.region[node] ?? NONE;
  return region === FREE ? anyOf(sets) : only(region === UNREACHABLE ? NONE : region);
}

/** The set of a node whose children are complete; a missing child is all region. */
function finish(tree: RouteTree, node: number, sets: LabelSets): void {
  const [zero, one] = [tree.children[0][node] ?? 0, tree.children[1][node] ?? 0];
  const region = regionSet(tree, node, sets);
  const half = (child: number): number => (child === 0 ? region : (tree.set[child] ?? 0));
  tree.set[node] = mergeSets(sets, half(zero), half(one));
}

/**
 * Hangs a finished node under `parent`. If levels lie between, they hang region on their other sides: the topmost of
 * them gets a node. Merging with the same region changes nothing after the second time, so two levels say it all, and
 * below the topmost every level takes what it inherits.
 */
function attach(tree: RouteTree, parent: number, node: number, keys: PrefixKeys, sets: LabelSets): void {
  const row = tree.row[node] ?? 0;
  const length = (tree.length[parent] ?? 0) + 1;
  const between = (tree.length[node] ?? 0) - length;
  let child = node;
  if (between > 0) {
    child = addNode(tree, row, length, tree.region[parent] ?? NONE);
    tree.children[keyBit(keys, row, length) === 0 ? 0 : 1][child] = node;
    const region = regionSet(tree, parent, sets);
    const once = mergeSets(sets, tree.set[node] ?? 0, region);
    tree.set[child] = between === 1 ? once : mergeSets(sets, once, region);
  }
  tree.children[keyBit(keys, row, length - 1) === 0 ? 0 : 1][parent] = child;
}
