// Values found by the longest prefix that holds an address: a path-compressed binary trie per family.
// A node without a value exists only where two branches part, so there are fewer than two nodes per prefix.
import { type Cidr, commonCidr, containsCidr, containsIp, equalCidr } from "./cidr.ts";
import { bitAt, bitsOf, type Family, type Ip } from "./ip.ts";

export type PrefixEntry<V> = { readonly prefix: Cidr; readonly value: V };

/** Mutable. `insert`, `delete`, `get` and `lookup` touch at most as many nodes as the address has bits. */
export type PrefixMap<V> = {
  readonly size: number;
  /** Sets the value of exactly this prefix; the one given last counts. */
  insert(prefix: Cidr, value: V): void;
  /** Whether exactly this prefix was there. */
  delete(prefix: Cidr): boolean;
  /** The entry of exactly this prefix. */
  get(prefix: Cidr): PrefixEntry<V> | undefined;
  /** The entry with the longest prefix that holds `ip`. */
  lookup(ip: Ip): PrefixEntry<V> | undefined;
  /** All entries by address, IPv4 first, a prefix before those inside it. Do not change the map meanwhile. */
  entries(): IterableIterator<PrefixEntry<V>>;
};

type Node<V> = {
  readonly prefix: Cidr;
  entry: PrefixEntry<V> | undefined;
  /** By the first bit after the prefix. */
  readonly children: [Node<V> | undefined, Node<V> | undefined];
};
type Roots<V> = Record<Family, Node<V>>;

export function prefixMap<V>(entries: Iterable<PrefixEntry<V>> = []): PrefixMap<V> {
  const roots: Roots<V> = { 4: newNode(everything(4)), 6: newNode(everything(6)) };
  let size = 0;
  const map: PrefixMap<V> = {
    get size() {
      return size;
    },
    insert(prefix, value) {
      const node = nodeFor(roots[prefix.ip.family], prefix);
      if (!node.entry) size++;
      node.entry = { prefix, value };
    },
    delete(prefix) {
      const removed = removeFrom(roots[prefix.ip.family], prefix);
      if (removed) size--;
      return removed;
    },
    get: (prefix) => findNode(roots[prefix.ip.family], prefix)?.entry,
    lookup: (ip) => longestMatch(roots[ip.family], ip),
    *entries() {
      yield* walk(roots[4]);
      yield* walk(roots[6]);
    },
  };
  for (const { prefix, value } of entries) map.insert(prefix, value);
  return map;
}

const everything = (family: Family): Cidr => ({ ip: { family, value: 0n }, length: 0 });
const newNode = <V>(prefix: Cidr): Node<V> => ({
  prefix,
  entry: undefined,
  children: [undefined, undefined],
});

const childTowards = <V>(node: Node<V>, ip: Ip): Node<V> | undefined =>
  node.prefix.length < bitsOf(ip.family) ? node.children[bitAt(ip, node.prefix.length)] : undefined;

/** The node of exactly `prefix`, made if it is missing. */
function nodeFor<V>(root: Node<V>, prefix: Cidr): Node<V> {
  let node = root;
  while (!equalCidr(node.prefix, prefix)) node = stepTowards(node, prefix);
  return node;
}

/** One node down from `node` towards `prefix`, which lies inside it; splits an edge that leads elsewhere. */
function stepTowards<V>(node: Node<V>, prefix: Cidr): Node<V> {
  const bit = bitAt(prefix.ip, node.prefix.length);
  const child = node.children[bit];
  if (child && containsCidr(child.prefix, prefix)) return child;
  const next = newNode<V>(child ? commonCidr(child.prefix, prefix) : prefix);
  if (child) next.children[bitAt(child.prefix.ip, next.prefix.length)] = child;
  node.children[bit] = next;
  return next;
}

function findNode<V>(root: Node<V>, prefix: Cidr): Node<V> | undefined {
  let node: Node<V> | undefined = root;
  while (node && node.prefix.length < prefix.length) node = childTowards(node, prefix.ip);
  return node && equalCidr(node.prefix, prefix) ? node : undefined;
}

function longestMatch<V>(root: Node<V>, ip: Ip): PrefixEntry<V> | undefined {
  let best: PrefixEntry<V> | undefined;
  let node: Node<V> | undefined = root;
  while (node && containsIp(node.prefix, ip)) {
    best = node.entry ?? best;
    node = childTowards(node, ip);
  }
  return best;
}

/** Removes the entry, then the nodes on its path that no longer carry a value or a branch. The root stays. */
function removeFrom<V>(root: Node<V>, prefix: Cidr): boolean {
  const path = pathTo(root, prefix);
  const node = path.at(-1);
  if (!node?.entry || !equalCidr(node.prefix, prefix)) return false;
  node.entry = undefined;
  for (let i = path.length - 1; i > 0; i--) {
    const [parent, child] = [path[i - 1], path[i]];
    if (!parent || !child || child.entry || (child.children[0] && child.children[1])) break;
    parent.children[bitAt(child.prefix.ip, parent.prefix.length)] = child.children[0] ?? child.children[1];
  }
  return true;
}

function pathTo<V>(root: Node<V>, prefix: Cidr): Node<V>[] {
  const path: Node<V>[] = [];
  let node: Node<V> | undefined = root;
  while (node && containsCidr(node.prefix, prefix)) {
    path.push(node);
    node = childTowards(node, prefix.ip);
  }
  return path;
}

/** Pre-order with an own stack: depth may reach the number of bits. */
function* walk<V>(root: Node<V>): Generator<PrefixEntry<V>, void, undefined> {
  const stack: Node<V>[] = [root];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (node.entry) yield node.entry;
    const [zero, one] = node.children;
    if (one) stack.push(one);
    if (zero) stack.push(zero);
  }
}
