// From a specification to prefixes: every group owns one in each network of its tree. Pure arithmetic; what a group once got, it keeps.
import type { Fault } from "../../base/errors.ts";
import { type Cidr, containsCidr, equalCidr, formatCidr, overlaps, subnet } from "../net/cidr.ts";
import type { Group, Network, Topology, Tree } from "../model/topology.ts";
import type { GroupSpec, TopologySpec, TreeSpec } from "./read-topology.ts";

type Report = (fault: Fault) => void;
type Prefixes = Readonly<Record<string, Cidr>>;

/** Carves all trees. `previous`: groups that it has (same network, same path) keep their prefix; a new one takes the lowest free slot. */
export function carveTopology(spec: TopologySpec, previous: Topology | undefined, report: Report): Topology {
  const networks = new Map(spec.networks.map((network) => [network.name, network]));
  return {
    networks: spec.networks,
    trees: spec.trees.map((tree) => carveTree(tree, networks, previous, report)),
  };
}

function carveTree(
  tree: TreeSpec,
  networks: ReadonlyMap<string, Network>,
  previous: Topology | undefined,
  report: Report,
): Tree {
  const own = tree.networks.flatMap((name) => networks.get(name) ?? []);
  const prefixes: Prefixes = Object.fromEntries(own.map(({ name, cidr }) => [name, cidr]));
  const kept = previousPrefixes(previous, own);
  return {
    networks: tree.networks,
    root: carveGroup(tree.root, "", prefixes, { networks: own, kept, report }),
  };
}

type Context = {
  readonly networks: readonly Network[];
  /** By network and path. */ readonly kept: ReadonlyMap<string, Cidr>;
  readonly report: Report;
};
const keptKey = (network: string, path: string): string => `${network}\0${path}`;

/** Prefixes of the previous topology's groups, of networks whose CIDR is the same. */
function previousPrefixes(previous: Topology | undefined, networks: readonly Network[]): Map<string, Cidr> {
  const kept = new Map<string, Cidr>();
  const visit = (group: Group): void => {
    for (const [network, cidr] of Object.entries(group.prefixes))
      if (networks.some((each) => each.name === network && containsCidr(each.cidr, cidr)))
        kept.set(keptKey(network, group.path), cidr);
    group.groups.forEach(visit);
  };
  for (const { root } of previous?.trees ?? []) visit(root);
  return kept;
}

function carveGroup(spec: GroupSpec, path: string, prefixes: Prefixes, context: Context): Group {
  const paths = spec.groups.map(({ name }) => (path === "" ? name : `${path}/${name}`));
  const shares = context.networks.map(
    (network) =>
      [
        network.name,
        carveNetwork(spec, paths, network, prefixes[network.name] ?? network.cidr, context),
      ] as const,
  );
  const groups = spec.groups.map((child, i) => {
    const own = shares.flatMap(([network, cidrs]) => (cidrs[i] ? [[network, cidrs[i]] as const] : []));
    return carveGroup(child, paths[i] ?? "", Object.fromEntries(own), context);
  });
  return {
    name: spec.name,
    path,
    assignment: spec.assignment,
    routing: spec.routing,
    prefixes,
    groups,
    hosts: spec.hosts,
  };
}

/** Bits by which a prefix of `count` children grows: their number padded to a power of two; one child takes the whole prefix. */
export const paddingBits = (count: number): number => (count <= 1 ? 0 : Math.ceil(Math.log2(count)));

/** The children's prefixes of one network inside `parent`, in order. Empty where they do not fit: reported. */
function carveNetwork(
  spec: GroupSpec,
  paths: readonly string[],
  network: Network,
  parent: Cidr,
  { kept, report }: Context,
): (Cidr | undefined)[] {
  if (spec.groups.length === 0) return [];
  const known = spec.groups.map((child, i) =>
    knownPrefix(child, network.name, kept.get(keptKey(network.name, paths[i] ?? "")), report),
  );
  const fixed = known.filter((cidr) => cidr !== undefined);
  const length = fixed[0]?.length ?? parent.length + paddingBits(spec.groups.length);
  if (length > network.blockMask) return tooNarrow(spec, network, parent, report);
  if (
    !fixed.every((cidr) => cidr.length === length && containsCidr(parent, cidr)) ||
    fixed.some((cidr, i) => fixed.slice(0, i).some((other) => overlaps(other, cidr)))
  )
    return misfit(spec, network, parent, fixed, report);
  return fillSlots(known, parent, length) ?? noSlot(spec, network, parent, report);
}

function knownPrefix(
  child: GroupSpec,
  network: string,
  kept: Cidr | undefined,
  report: Report,
): Cidr | undefined {
  const pinned = child.pinned[network];
  if (kept && pinned && !equalCidr(kept, pinned))
    report({
      code: "CIDR_KEPT",
      field: `${child.field}.cidr`,
      value: formatCidr(pinned),
      expected: `${formatCidr(kept)}, which the group has for life (or no cidr)`,
    });
  return kept ?? pinned;
}

/** Gives each child without a prefix the lowest free slot; `undefined` when there are too few. */
function fillSlots(known: readonly (Cidr | undefined)[], parent: Cidr, length: number): Cidr[] | undefined {
  const taken = new Set(known.flatMap((cidr) => (cidr ? [cidr.ip.value] : [])));
  const slots = 1n << BigInt(length - parent.length);
  let next = 0n;
  const result: Cidr[] = [];
  for (const cidr of known) {
    let slot = cidr;
    while (!slot && next < slots) {
      const candidate = subnet(parent, length, next++);
      if (!taken.has(candidate.ip.value)) slot = candidate;
    }
    if (!slot) return undefined;
    result.push(slot);
  }
  return result;
}

function tooNarrow(spec: GroupSpec, network: Network, parent: Cidr, report: Report): [] {
  const expected = `at most ${2 ** Math.max(0, network.blockMask - parent.length)} groups: ${formatCidr(parent)} of network ${network.name} holds no more blocks of /${network.blockMask}`;
  report({
    code: "GROUP_TOO_WIDE",
    field: `${spec.field}.${spec.name === "" ? "map" : "groups"}`,
    value: `${spec.groups.length} groups`,
    expected,
  });
  return [];
}

function misfit(spec: GroupSpec, network: Network, parent: Cidr, fixed: readonly Cidr[], report: Report): [] {
  report({
    code: "CIDR_MISFIT",
    field: spec.field,
    value: fixed.map(formatCidr).join(", "),
    expected: `prefixes of one length inside ${formatCidr(parent)} (network ${network.name}) that do not overlap`,
  });
  return [];
}

function noSlot(spec: GroupSpec, network: Network, parent: Cidr, report: Report): [] {
  report({
    code: "GROUP_NO_SLOT",
    field: `${spec.field}.${spec.name === "" ? "map" : "groups"}`,
    value: `${spec.groups.length} groups`,
    expected: `no more groups than ${formatCidr(parent)} of network ${network.name} was carved for: prefixes are kept for life, so a further group needs an added network`,
  });
  return [];
}
