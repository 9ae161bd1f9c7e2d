// A carved topology as the document that `GET /topology` answers (R4): what was given, with `cidr` and `cidrs` filled in.
// Reading it back gives the same topology.
import { formatCidr } from "../net/cidr.ts";
import { routingDocument } from "../model/routing.ts";
import type { Group, ListedHost, Network, Topology, Tree } from "../model/topology.ts";

// The same shapes as core/api's TopologyDocument, which this folder may not import: the compiler compares them where they meet.
export type TopologyJson = { networks: NetworkJson[]; topologies: TreeJson[] };
type NetworkJson = { name: string; cidr: string; block_mask: number; tenants?: string[] };
type TreeJson = { networks: string[]; map: GroupJson[] } & CidrsJson;
export type GroupJson = {
  name: string;
  ip?: string;
  ips?: string[];
  assignment?: Record<string, string>;
  routing?: unknown;
  groups?: GroupJson[];
} & CidrsJson;
/** `cidr`: in the first network of the tree that gives this group a prefix; `cidrs`: by network. */
type CidrsJson = { cidr?: string; cidrs?: Record<string, string> };

export function topologyDocument({ networks, trees }: Topology): TopologyJson {
  return { networks: networks.map(networkJson), topologies: trees.map(treeJson) };
}

function networkJson({ name, cidr, blockMask, tenants }: Network): NetworkJson {
  const open = { name, cidr: formatCidr(cidr), block_mask: blockMask };
  return tenants.length > 0 ? { ...open, tenants: [...tenants] } : open;
}

function treeJson({ networks, root }: Tree): TreeJson {
  return { networks: [...networks], map: childrenJson(root, networks), ...cidrsJson(root, networks) };
}

function childrenJson({ groups, hosts }: Group, networks: readonly string[]): GroupJson[] {
  return [...groups.map((group) => groupJson(group, networks)), ...hosts.map(hostJson)];
}

function groupJson(group: Group, networks: readonly string[]): GroupJson {
  const { name, assignment, routing } = group;
  return {
    name,
    ...(Object.keys(assignment).length > 0 ? { assignment: { ...assignment } } : {}),
    ...(routing ? { routing: routingDocument(routing) } : {}),
    groups: childrenJson(group, networks),
    ...cidrsJson(group, networks),
  };
}

const hostJson = ({ name, ips }: ListedHost): GroupJson => ({
  name,
  ip: ips[0] ?? "",
  ...(ips.length > 1 ? { ips: [...ips] } : {}),
});

function cidrsJson({ prefixes }: Group, networks: readonly string[]): CidrsJson {
  const cidrs = Object.fromEntries(
    networks.flatMap((name) => (prefixes[name] ? [[name, formatCidr(prefixes[name])]] : [])),
  );
  const [first] = Object.values(cidrs);
  return { ...(first === undefined ? {} : { cidr: first }), cidrs };
}
