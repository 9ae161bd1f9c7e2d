// The operator's topology as the lab's daemon gets it: the same networks and groups, with the lab's hosts and their addresses. Pure.
import type { GroupDocument, TopologyDocument } from "../../core/api/types.ts";
import { assignHost } from "../../core/topology/assign.ts";
import { routingDocument } from "../../core/model/routing.ts";
import type { Group, Topology, Tree } from "../../core/model/topology.ts";
import { formatCidr } from "../../core/net/cidr.ts";
import { formatIp } from "../../core/net/ip.ts";
import type { FabricHost } from "./plan-fabric.ts";

/**
 * Hosts join by their labels where these alone lead to their rack. Where they do not (racks that ask for nothing, or for the same), and
 * where the file lists hosts, the group lists them: a host must land in the rack it is wired to.
 */
export function labTopologyDocument(topology: Topology, hosts: readonly FabricHost[]): TopologyDocument {
  return {
    networks: topology.networks.map(({ name, cidr, blockMask, tenants }) => ({
      name,
      cidr: formatCidr(cidr),
      block_mask: blockMask,
      tenants: [...tenants],
    })),
    topologies: topology.trees.map((tree, i) => ({
      networks: [...tree.networks],
      map: membersOf(tree.root, i === 0 ? unledHosts(tree, hosts) : listedElsewhere(hosts)),
    })),
  };
}

type HostsOf = (group: Group) => readonly FabricHost[];

const unledHosts =
  (tree: Tree, hosts: readonly FabricHost[]): HostsOf =>
  (group) =>
    hosts.filter((host) => host.group === group.path && (group.hosts.length > 0 || !labelsLead(tree, host)));

/** Whether a host with these labels joins its group even when that one is the fullest. */
const labelsLead = (tree: Tree, { group, tags }: FabricHost): boolean =>
  assignHost(tree, tags, { name: "", hostsPerGroup: new Map([[group, 1]]) }) === group;

/** Trees after the first do not shape the lab: of their listed hosts those stay that it has. */
const listedElsewhere =
  (hosts: readonly FabricHost[]): HostsOf =>
  (group) =>
    hosts.filter((host) => group.hosts.some((listed) => listed.name === host.name));

const membersOf = (group: Group, hostsOf: HostsOf): GroupDocument[] => [
  ...group.groups.map((child) => groupDocument(child, hostsOf)),
  ...hostsOf(group).map(({ name, ips }) => ({ name, ips: ips.map(formatIp) })),
];

function groupDocument(group: Group, hostsOf: HostsOf): GroupDocument {
  const { name, assignment, routing } = group;
  return {
    name,
    ...(Object.keys(assignment).length > 0 ? { assignment: { ...assignment } } : {}),
    ...(routing ? { routing: routingDocument(routing) } : {}),
    groups: membersOf(group, hostsOf),
  };
}
