// Optimal route aggregation: the smallest table that forwards every address as a given longest-prefix table does.
// Labels (next hops, or sets of them) are opaque. For announcements use `minimalUnion` of prefix-set.ts instead:
// a covering prefix would draw a neighbour's traffic when its own route is withdrawn.
import { BugError } from "../../base/errors.ts";
import { type Cidr, cidrOf, subnet } from "./cidr.ts";
import type { Family } from "./ip.ts";
import { firstOf, hasLabel, labelSets, type LabelSets, sizeOfSet } from "./label-sets.ts";
import { prefixKeys } from "./prefix-keys.ts";
import { buildRouteTree, FREE, NONE, regionSet, type RouteTree, UNREACHABLE } from "./route-tree.ts";

export type Route<L> = { readonly prefix: Cidr; readonly label: L };

export type AggregateOptions<L> = {
  /**
   * The label of "no route", if the table may install it: `routes` may hold it, an address without a route counts as
   * having it, and so does the outside of the result. Without it no prefix of the result covers an address without a route.
   */
  readonly unreachable?: L;
  /** Space in which an address without a route may be forwarded anywhere or nowhere. Routes inside it are kept. */
  readonly free?: readonly Cidr[];
};

/**
 * A smallest table with the forwarding of `routes`; by address, IPv4 first, a prefix before those inside it. Of several as
 * small it is one that covers given prefixes with a shorter one only where that saves a route. Labels are compared as keys of a `Map`. Of several routes to one prefix the last one counts.
 * Linear in time but for the label sets, which are short where labels repeat; 1,000,000 prefixes take seconds.
 *
 * Method: ORTC (see route-tree.ts) with two changes. Free space is a place where every label is as good. Where "no
 * route" cannot be installed, an unrouted address forbids every prefix above it, so its label absorbs all others on the
 * way up, and ORTC is left to work on the maximal fully routed subtrees, which do not influence each other.
 */
export function aggregateRoutes<L>(
  routes: Iterable<Route<L>>,
  options: AggregateOptions<L> = {},
): Route<L>[] {
  const table = numberLabels(routes, options);
  const families: readonly Family[] = [4, 6];
  return families.flatMap((family) => aggregateFamily(family, table));
}

type Rows = { readonly prefixes: Cidr[]; readonly regions: number[] };
type Table<L> = {
  readonly rows: Readonly<Record<Family, Rows>>;
  /** By number; those of `NONE` and `UNREACHABLE` are `unreachable`, if there is one. */
  readonly labels: (L | undefined)[];
  readonly canInstallNone: boolean;
};

/** Rows by family with labels as small integers. Free space goes first, so that a route to the same prefix wins. */
function numberLabels<L>(routes: Iterable<Route<L>>, options: AggregateOptions<L>): Table<L> {
  const { unreachable, free = [] } = options;
  const labels: (L | undefined)[] = [unreachable, unreachable];
  const numbers = new Map<L, number>(unreachable === undefined ? [] : [[unreachable, UNREACHABLE]]);
  const rows: Record<Family, Rows> = { 4: { prefixes: [], regions: [] }, 6: { prefixes: [], regions: [] } };
  const add = (prefix: Cidr, region: number): void => {
    const { prefixes, regions } = rows[prefix.ip.family];
    prefixes.push(prefix);
    regions.push(region);
  };
  for (const prefix of free) add(prefix, FREE);
  for (const { prefix, label } of routes) {
    const known = numbers.get(label);
    if (known === undefined) numbers.set(label, labels.push(label) - 1);
    add(prefix, known ?? labels.length - 1);
  }
  return { rows, labels, canInstallNone: unreachable !== undefined };
}

function aggregateFamily<L>(family: Family, table: Table<L>): Route<L>[] {
  const { prefixes, regions } = table.rows[family];
  const sets = labelSets(table.labels.length, !table.canInstallNone);
  const tree = buildRouteTree(prefixKeys(family, prefixes), regions, sets);
  const result: Route<L>[] = [];
  install(tree, sets, (place, number) => {
    const label = table.labels[number];
    if (label === undefined) throw new BugError({ code: "AGGREGATE_LABEL", number });
    result.push({ prefix: prefixOf(tree, place, prefixes), label });
  });
  return result;
}

/** The downward pass, in pre-order: a place gets a label of its own only if what it inherits would cost more. */
function install(tree: RouteTree, sets: LabelSets, emit: (place: number, label: number) => void): void {
  const places = [0];
  const inherited = [NONE];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    let label = inherited.pop() ?? NONE;
    const set = setAt(tree, place, sets);
    const parts = partsOf(tree, place);
    if (!hasLabel(sets, set, label) && !areApart(tree, sets, set, parts)) {
      label = firstOf(sets, set);
      emit(place, label);
    }
    for (const part of parts) {
      places.push(part);
      inherited.push(label);
    }
  }
}

/**
 * Whether the halves of a place have no label in common, so that its set holds those of both. A route for each half is then
 * as cheap as one over both and another inside it, and stays what it was in the given table.
 */
function areApart(tree: RouteTree, sets: LabelSets, set: number, parts: readonly number[]): boolean {
  const size = sizeOfSet(sets, set);
  return parts.length > 0 && parts.every((part) => sizeOfSet(sets, setAt(tree, part, sets)) < size);
}

/**
 * A place is a node, or `~node`: the half of a node where it has no child. The halves of a place, the last one first;
 * none if nothing parts below it.
 */
function partsOf({ children }: RouteTree, place: number): number[] {
  const [zero, one] = place < 0 ? [0, 0] : [children[0][place] ?? 0, children[1][place] ?? 0];
  return zero === 0 && one === 0 ? [] : [one || ~place, zero || ~place];
}

const setAt = (tree: RouteTree, place: number, sets: LabelSets): number =>
  place < 0 ? regionSet(tree, ~place, sets) : (tree.set[place] ?? 0);

function prefixOf(tree: RouteTree, place: number, prefixes: readonly Cidr[]): Cidr {
  const node = place < 0 ? ~place : place;
  const length = tree.length[node] ?? 0;
  const row = prefixes[tree.row[node] ?? 0];
  if (row === undefined) throw new BugError({ code: "AGGREGATE_ROW", node });
  const prefix = row.length === length ? row : cidrOf(row.ip, length);
  return place < 0 ? subnet(prefix, length + 1, tree.children[0][node] === 0 ? 0n : 1n) : prefix;
}
