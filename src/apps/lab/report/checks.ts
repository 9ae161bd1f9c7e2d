// What must hold of a lab, as sentences with what breaks them. Pure: judges facts that were gathered.
import type { Group, Topology, Tree } from "../../../core/model/topology.ts";
import { groupsByPath } from "../../../core/topology/groups.ts";
import { bitsOf, parseIp } from "../../../core/net/ip.ts";
import {
  type Cidr,
  containsCidr,
  containsIp,
  formatCidr,
  overlaps,
  parseCidr,
} from "../../../core/net/cidr.ts";
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
    { sentence: "every block lies in the prefix of the rack of its host", faults: blockFaults(facts) },
    { sentence: "every pod has an address of each family, from its rack's prefix", faults: podFaults(facts) },
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

/** Prefixes of a group by its path, over all trees and networks. */
function prefixesOf({ trees }: Topology, path: string): Cidr[] {
  return trees.flatMap((tree) => Object.values(groupsByPath(tree).get(path)?.prefixes ?? {}));
}

function blockFaults({ blocks, registered, topology }: Facts): string[] {
  return blocks.flatMap((block) => {
    const host = registered.find(({ name }) => name === block.host);
    if (!host?.groups.includes(block.group))
      return [`${block.cidr}: of group ${block.group}, its host ${block.host} is not`];
    const cidr = parseCidr(block.cidr);
    return prefixesOf(topology, block.group).some((prefix) => containsCidr(prefix, cidr))
      ? []
      : [`${block.cidr}: outside of ${block.group}`];
  });
}

function podFaults({ pods, hosts, topology }: Facts): string[] {
  return pods.flatMap((pod) => {
    const group = hosts.find(({ name }) => name === pod.host)?.group ?? "";
    const prefixes = prefixesOf(topology, group);
    const families = new Set(prefixes.map((prefix) => prefix.ip.family));
    const ips = pod.ips.map((text) => parseIp(text));
    const outside = ips.filter((ip) => !prefixes.some((prefix) => containsIp(prefix, ip)));
    const missing = [...families].filter((family) => !ips.some((ip) => ip.family === family));
    return [
      ...outside.map((ip) => `${pod.name}: IPv${ip.family} address outside of ${group}`),
      ...missing.map((family) => `${pod.name}: no IPv${family} address`),
    ];
  });
}

function podRouteFaults({ nodes, pods, topology }: Facts): string[] {
  const isPodNetwork = (cidr: Cidr): boolean =>
    topology.networks.some((network) => containsCidr(network.cidr, cidr));
  return nodes.flatMap(({ node, routes }) => {
    const own = new Set(pods.filter((pod) => pod.host === node).flatMap((pod) => pod.ips));
    return routes
      .map(({ dst }) => dst)
      .filter((dst) => dst.length === bitsOf(dst.ip.family) && isPodNetwork(dst))
      .map((dst) => formatCidr(dst))
      .filter((text) => !own.has(text.slice(0, text.indexOf("/"))))
      .map((text) => `${node}: ${text}`);
  });
}
