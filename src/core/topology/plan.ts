// What a topology will do, before any host joins: capacity of every group and listed host, routes of every router, and what its
// author may not have meant. Counts only; JSON as it is.
import type { Group, ListedHost, Network, Topology, Tree } from "../model/topology.ts";
import { formatCidr, sizeOf } from "../net/cidr.ts";
import { groupsByPath } from "./groups.ts";
import { type Warning, warningsOf } from "./plan-warnings.ts";
import { type RackRouter, racksOf, routersOf } from "./racks.ts";

export type TopologyPlan = { readonly topologies: readonly TreePlan[] };
export type TreePlan = {
  readonly networks: readonly string[];
  readonly root: GroupPlan;
  readonly routers: readonly RouterPlan[];
  readonly warnings: readonly Warning[];
};
/** What a group has of one network. Counts are powers of two, which a JSON number holds exactly at any size. */
export type Share = {
  readonly network: string;
  readonly cidr: string;
  readonly blocks: number;
  readonly addresses: number;
};
export type GroupPlan = {
  readonly name: string;
  readonly path: string;
  readonly shares: readonly Share[];
  readonly groups: readonly GroupPlan[];
  readonly hosts: readonly HostPlan[];
};
/** A listed host and what it gets of each network when all hosts of its group take equally much. */
export type HostPlan = ListedHost & {
  readonly shares: readonly {
    readonly network: string;
    readonly blocks: number;
    readonly addresses: number;
  }[];
};
export type RouterPlan = {
  readonly name: string;
  readonly role: RackRouter["role"];
  /** Paths of the groups that it answers for. */
  readonly owns: readonly string[];
  /** Whatever runs in the cluster: prefixes of groups, and the discarded rest of its own. */
  readonly routes: number;
  /** A top-of-rack router has these besides: at least one a host and family with pods, at most one a block. */
  readonly blockRoutes: { readonly least: number; readonly most: number };
};

export function planTopology({ networks, trees }: Topology): TopologyPlan {
  const byName = new Map(networks.map((network) => [network.name, network]));
  return { topologies: trees.map((tree) => planTree(tree, byName)) };
}

type Networks = ReadonlyMap<string, Network>;

function planTree(tree: Tree, networks: Networks): TreePlan {
  return {
    networks: tree.networks,
    root: planGroup(tree.root, networks),
    routers: planRouters(tree, networks),
    warnings: warningsOf(tree, networks),
  };
}

function planGroup(group: Group, networks: Networks): GroupPlan {
  const shares = sharesOf(group, networks);
  return {
    name: group.name,
    path: group.path,
    shares,
    groups: group.groups.map((child) => planGroup(child, networks)),
    hosts: group.hosts.map((host) => planHost(host, shares, group.hosts.length)),
  };
}

function sharesOf({ prefixes }: Group, networks: Networks): Share[] {
  return Object.entries(prefixes).map(([network, cidr]) => {
    const { blockMask = cidr.length } = networks.get(network) ?? {};
    const blocks = 2 ** (blockMask - cidr.length);
    return { network, cidr: formatCidr(cidr), blocks, addresses: Number(sizeOf(cidr)) };
  });
}

/** Blocks are not divided: a host gets whole ones. */
function planHost(host: ListedHost, shares: readonly Share[], hosts: number): HostPlan {
  const own = shares.map(({ network, blocks, addresses }) => {
    const share = Math.floor(blocks / hosts);
    return { network, blocks: share, addresses: share * (addresses / blocks) };
  });
  return { ...host, shares: own };
}

/**
 * What core/desired gives routers in an empty cluster: a route for each prefix below a spine and behind the others, and a discard
 * for each of its own. So a spine has, over all, every zone's prefixes.
 */
function planRouters(tree: Tree, networks: Networks): RouterPlan[] {
  const groups = groupsByPath(tree);
  const groupsOf = (paths: readonly string[]): Group[] => paths.flatMap((path) => groups.get(path) ?? []);
  const routers = routersOf(racksOf(tree.root));
  const zones = prefixCount(routers.flatMap(({ role, owns }) => (role === "spine" ? groupsOf(owns) : [])));
  return routers.map(({ name, role, owns, below }) => {
    const own = groupsOf(owns);
    if (role === "tor")
      return { name, role, owns, routes: prefixCount(own), blockRoutes: blockRoutes(own, networks) };
    const routes = zones + prefixCount(groupsOf(below));
    return { name, role, owns, routes, blockRoutes: { least: 0, most: 0 } };
  });
}

const prefixCount = (groups: readonly Group[]): number =>
  groups.reduce((sum, { prefixes }) => sum + Object.keys(prefixes).length, 0);

function blockRoutes(own: readonly Group[], networks: Networks): RouterPlan["blockRoutes"] {
  const families = ({ prefixes }: Group): number =>
    new Set(Object.values(prefixes).map(({ ip }) => ip.family)).size;
  const least = own.reduce((sum, group) => sum + group.hosts.length * families(group), 0);
  const most = own.flatMap((group) => sharesOf(group, networks)).reduce((sum, { blocks }) => sum + blocks, 0);
  return { least, most };
}
