// What must hold of a lab, as sentences with what breaks them. Pure: judges facts that were gathered.
import type { Group, Topology, Tree } from "../../../core/model/topology.ts";
import { bitsOf, parseIp } from "../../../core/net/ip.ts";
import {
  type Cidr,
  containsCidr,
  containsIp,
  formatCidr,
  overlaps,
  parseCidr,
} from "../../../core/net/cidr.ts";
import { groupsByPath } from "../../../core/topology/groups.ts";
import type { Facts } from "./facts.ts";

export type Check = {
  readonly sentence: string;
  /** Empty: it holds. */
  readonly faults: readonly string[];
};

export function checkFacts(facts: Facts): Check[] {
  return [
    {
      sentence: "every group's prefix lies in its parent's, apart from its siblings'",
      faults: facts.topology.trees.flatMap(nestingFaults(facts.topology)),
    },
    { sentence: "every host joined the rack that it is wired to", faults: hostFaults(facts) },
    { sentence: "every block lies in the prefix of its host's group", faults: blockFaults(facts) },
    { sentence: "every pod has an address of each family, from its host's group", faults: podFaults(facts) },
    {
      sentence: "no router holds a route per pod, no host one per pod elsewhere",
      faults: podRouteFaults(facts),
    },
  ];
}

const nestingFaults =
  (topology: Topology) =>
  (tree: Tree): string[] =>
    tree.networks.flatMap((name) => {
      const network = topology.networks.find((one) => one.name === name);
      const root = tree.root.prefixes[name];
      const inNetwork = network && root && containsCidr(network.cidr, root);
      return [
        ...(inNetwork ? [] : [`network ${name}: the tree's prefix is not in it`]),
        ...groupFaults(tree.root, name),
      ];
    });

function groupFaults(group: Group, network: string): string[] {
  const own = group.prefixes[network];
  return group.groups.flatMap((child, i) => {
    const prefix = child.prefixes[network];
    if (!own || !prefix) return [`${child.path}: no prefix in ${network}`];
    const outside = containsCidr(own, prefix)
      ? []
      : [`${child.path}: ${formatCidr(prefix)} is not in ${formatCidr(own)}`];
    const clashes = group.groups.slice(i + 1).filter((other) => {
      const theirs = other.prefixes[network];
      return theirs !== undefined && overlaps(prefix, theirs);
    });
    return [
      ...outside,
      ...clashes.map((other) => `${child.path} overlaps ${other.path}`),
      ...groupFaults(child, network),
    ];
  });
}

/** Where addresses of a host may lie, by network: the prefix of its group in each tree that it joined. */
function prefixesOfHost({ registered, topology }: Facts, name: string): ReadonlyMap<string, Cidr> {
  const groups = registered.find((host) => host.name === name)?.groups ?? [];
  const joined = topology.trees.flatMap((tree, i) => groupsByPath(tree).get(groups[i] ?? "-") ?? []);
  return new Map(joined.flatMap(({ prefixes }) => Object.entries(prefixes)));
}

const hostFaults = ({ hosts, registered }: Facts): string[] =>
  hosts.flatMap(({ name, group }) => {
    const joined = registered.find((host) => host.name === name)?.groups[0];
    return joined === undefined || joined === group
      ? []
      : [`${name}: in ${joined ?? "no group"}, wired to ${group}`];
  });

function blockFaults(facts: Facts): string[] {
  return facts.blocks.flatMap(({ cidr, network, host }) => {
    const prefix = prefixesOfHost(facts, host).get(network);
    return prefix && containsCidr(prefix, parseCidr(cidr))
      ? []
      : [`${cidr}: outside of what its host ${host} has in ${network}`];
  });
}

function podFaults(facts: Facts): string[] {
  return facts.pods.flatMap((pod) => {
    const prefixes = prefixesOfHost(facts, pod.host);
    // Networks of other tenants offer this pod nothing.
    const open = facts.topology.networks.filter(
      ({ tenants }) => tenants.length === 0 || tenants.includes(pod.tenant),
    );
    const offered = open.flatMap(({ name }) => prefixes.get(name) ?? []);
    const families = new Set(offered.map((prefix) => prefix.ip.family));
    const ips = pod.ips.map((text) => parseIp(text));
    const outside = ips.filter((ip) => !offered.some((prefix) => containsIp(prefix, ip)));
    const missing = [...families].filter((family) => !ips.some((ip) => ip.family === family));
    return [
      ...outside.map((ip) => `${pod.name}: IPv${ip.family} address outside of its host's groups`),
      ...missing.map((family) => `${pod.name}: no IPv${family} address`),
    ];
  });
}

function podRouteFaults({ nodes, pods, blocks, topology }: Facts): string[] {
  const isPodNetwork = (cidr: Cidr): boolean =>
    topology.networks.some((network) => containsCidr(network.cidr, cidr));
  // Where the operator asked for blocks of one address (block_mask 32), a route to such a block is as it must be.
  const single = new Set(blocks.map(({ cidr }) => cidr));
  return nodes.flatMap(({ node, routes }) => {
    const own = new Set(pods.filter((pod) => pod.host === node).flatMap((pod) => pod.ips));
    return routes
      .map(({ dst }) => dst)
      .filter((dst) => dst.length === bitsOf(dst.ip.family) && isPodNetwork(dst))
      .map((dst) => formatCidr(dst))
      .filter((text) => !single.has(text) && !own.has(text.slice(0, text.indexOf("/"))))
      .map((text) => `${node}: ${text}`);
  });
}
