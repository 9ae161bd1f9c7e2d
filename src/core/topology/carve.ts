// From a specification to prefixes: every group owns one in each network of its tree. Pure arithmetic. What a group once got,
// it keeps for life: nothing here ever moves a prefix.
import { type Cidr, containsCidr, equalCidr, formatCidr, sizeOf, subnet } from "../net/cidr.ts";
import type { Group, Network, Topology, Tree } from "../model/topology.ts";
import { allGroups } from "./groups.ts";
import type { Report } from "../model/read-fields.ts";
import type { GroupSpec, Pin, TopologySpec, TreeSpec } from "./read-topology.ts";

type Prefixes = Readonly<Record<string, Cidr>>;
type Context = {
  readonly networks: readonly Network[];
  /** What the previous topology gave the group of this path in this network. */
  readonly kept: (network: string, path: string) => Cidr | undefined;
  readonly report: Report;
};
/** Children with the prefix that each has in one network; none where no slot is left. */
type Share = { readonly network: Network; readonly cidrs: readonly (Cidr | undefined)[] };

/**
 * A group that `previous` has (same network, same path) keeps its prefix; so does one whose prefix the document states. Any
 * other gets the lowest free slot among its siblings: their number padded to a power of two when they are first carved.
 */
export function carveTopology(spec: TopologySpec, previous: Topology | undefined, report: Report): Topology {
  const kept = keptPrefixes(previous);
  return {
    networks: spec.networks,
    trees: spec.trees.map((tree) => carveTree(tree, kept, report)),
  };
}

function carveTree({ networks, root }: TreeSpec, kept: Context["kept"], report: Report): Tree {
  const prefixes = Object.fromEntries(networks.map(({ name, cidr }) => [name, cidr]));
  return {
    networks: networks.map(({ name }) => name),
    root: carveGroup(root, "", prefixes, { networks, kept, report }),
  };
}

function keptPrefixes(previous: Topology | undefined): Context["kept"] {
  const kept = new Map<string, Map<string, Cidr>>();
  for (const { root } of previous?.trees ?? [])
    for (const { path, prefixes } of allGroups(root))
      kept.set(path, new Map([...(kept.get(path) ?? []), ...Object.entries(prefixes)]));
  return (network, path) => kept.get(path)?.get(network);
}

function carveGroup(spec: GroupSpec, path: string, prefixes: Prefixes, context: Context): Group {
  const { name, assignment, routing, hosts } = spec;
  const paths = spec.groups.map((child) => (path === "" ? child.name : `${path}/${child.name}`));
  const shares = context.networks.flatMap((network): Share[] => {
    const parent = prefixes[network.name];
    return parent ? [{ network, cidrs: carveNetwork(spec, paths, network, parent, context) }] : [];
  });
  reportHomeless(spec, shares, context.report);
  const groups = spec.groups.map((child, i) => {
    const own = shares.flatMap(({ network, cidrs }) => (cidrs[i] ? [[network.name, cidrs[i]]] : []));
    return carveGroup(child, paths[i] ?? "", Object.fromEntries(own) as Prefixes, context);
  });
  return { name, path, assignment, routing, prefixes, groups, hosts };
}

/** Bits that a prefix of `count` children is longer by: their number padded to a power of two; an only child takes the whole. */
export const paddingBits = (count: number): number => (count <= 1 ? 0 : 32 - Math.clz32(count - 1));

/** The children's prefixes in one network, inside `parent`: kept ones first, then stated ones, then the lowest free slots. */
function carveNetwork(
  spec: GroupSpec,
  paths: readonly string[],
  network: Network,
  parent: Cidr,
  { kept, report }: Context,
): (Cidr | undefined)[] {
  if (spec.groups.length === 0) return [];
  const inside = paths.map((path) => fitting(kept(network.name, path), parent));
  const pins = spec.groups.map((child) => child.pins.find((pin) => pin.network === network.name));
  const length =
    inside.find((cidr) => cidr)?.length ??
    pins.find((pin) => fitting(pin?.cidr, parent))?.cidr.length ??
    parent.length + paddingBits(spec.groups.length);
  if (length > network.blockMask) {
    reportTooWide(spec, network, parent, report);
    return [];
  }
  const slots = createSlots(parent, length);
  const claimed = inside.map((cidr) => (cidr && slots.claim(cidr) ? cidr : undefined));
  const stated = claimed.map((cidr, i) => {
    const pin = pins[i];
    if (!pin || (cidr && equalCidr(cidr, pin.cidr))) return cidr;
    if (!cidr && slots.claim(pin.cidr)) return pin.cidr;
    const free = `a free /${length} inside ${formatCidr(parent)}`;
    reportMisfit(pin, cidr ? `${formatCidr(cidr)}, which the group has for life` : free, report);
    return cidr;
  });
  return stated.map((cidr) => cidr ?? slots.lowest());
}

/** A kept prefix counts while its parent still holds it: a network whose CIDR changed may have left it behind. */
const fitting = (cidr: Cidr | undefined, parent: Cidr): Cidr | undefined =>
  cidr && containsCidr(parent, cidr) ? cidr : undefined;

/** The prefixes of one length inside a parent, each given out once. */
function createSlots(
  parent: Cidr,
  length: number,
): { claim(cidr: Cidr): boolean; lowest(): Cidr | undefined } {
  const size = sizeOf({ ip: parent.ip, length });
  const count = 1n << BigInt(length - parent.length);
  // By number in the parent: IPv6 addresses that differ in their upper half only would be slow keys (net/ip-map.ts).
  const taken = new Set<bigint>();
  let next = 0n;
  function claim(cidr: Cidr): boolean {
    if (cidr.length !== length || !containsCidr(parent, cidr)) return false;
    const slot = (cidr.ip.value - parent.ip.value) / size;
    if (taken.has(slot)) return false;
    taken.add(slot);
    return true;
  }
  function lowest(): Cidr | undefined {
    while (next < count) {
      const slot = subnet(parent, length, next++);
      if (claim(slot)) return slot;
    }
    return undefined;
  }
  return { claim, lowest };
}

const listField = ({ name, field }: GroupSpec): string => `${field}.${name === "" ? "map" : "groups"}`;

function reportMisfit({ field, cidr }: Pin, expected: string, report: Report): void {
  report({ code: "CIDR_MISFIT", field, value: formatCidr(cidr), expected: `${expected}, or no cidr` });
}

function reportTooWide(spec: GroupSpec, network: Network, parent: Cidr, report: Report): void {
  const most = 2 ** Math.max(0, network.blockMask - parent.length);
  report({
    code: "GROUP_TOO_WIDE",
    field: listField(spec),
    value: `${spec.groups.length} groups`,
    expected: `at most ${most} groups: ${formatCidr(parent)} of network ${network.name} holds ${most} blocks of /${network.blockMask}, and a group is no smaller than a block`,
  });
}

/** A child without a slot in one network lives on in another that serves the same tenants with the same family; else there is nothing left for it. */
function reportHomeless(spec: GroupSpec, shares: readonly Share[], report: Report): void {
  for (const [i, child] of spec.groups.entries())
    for (const { network, cidrs } of shares) {
      if (cidrs.length === 0 || cidrs[i]) continue;
      if (shares.some((other) => other.cidrs[i] && canReplace(other.network, network))) continue;
      report({
        code: "GROUP_NO_SLOT",
        field: child.field,
        value: child.name,
        expected: `no group beyond those that network ${network.name} was carved for: prefixes are kept for life, so this one needs an added network in this topology`,
      });
    }
}

const canReplace = (other: Network, full: Network): boolean =>
  other.cidr.ip.family === full.cidr.ip.family &&
  (other.tenants.length === 0 ||
    (full.tenants.length > 0 && full.tenants.every((tenant) => other.tenants.includes(tenant))));
