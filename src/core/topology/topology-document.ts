// A carved topology as the document that `GET /topology` answers (R4): what was given, with `cidr` and `cidrs` filled in.
import { formatCidr } from "../net/cidr.ts";
import type { Group, ListedHost, Network, Topology } from "../model/topology.ts";

type GroupJson = {
  name: string;
  ip?: string;
  ips?: string[];
  assignment?: Record<string, string>;
  routing?: unknown;
  groups?: GroupJson[];
  cidr?: string;
  cidrs?: Record<string, string>;
};
type NetworkJson = { name: string; cidr: string; block_mask: number; tenants?: string[] };
type TreeJson = { networks: string[]; map: GroupJson[]; cidr?: string; cidrs?: Record<string, string> };

export function topologyDocument({ networks, trees }: Topology): {
  networks: NetworkJson[];
  topologies: TreeJson[];
} {
  return {
    networks: networks.map(networkJson),
    topologies: trees.map(({ networks: names, root }) => ({
      networks: [...names],
      map: childrenJson(root, names),
      ...cidrsJson(root, names),
    })),
  };
}

function networkJson({ name, cidr, blockMask, tenants }: Network): NetworkJson {
  return {
    name,
    cidr: formatCidr(cidr),
    block_mask: blockMask,
    ...(tenants.length > 0 ? { tenants: [...tenants] } : {}),
  };
}

function childrenJson({ groups, hosts }: Group, networks: readonly string[]): GroupJson[] {
  return [...groups.map((group) => groupJson(group, networks)), ...hosts.map(hostJson)];
}

function groupJson(group: Group, networks: readonly string[]): GroupJson {
  const { name, assignment, routing } = group;
  return {
    name,
    ...(Object.keys(assignment).length > 0 ? { assignment: { ...assignment } } : {}),
    ...(routing === undefined ? {} : { routing }),
    groups: childrenJson(group, networks),
    ...cidrsJson(group, networks),
  };
}

const hostJson = ({ name, ips }: ListedHost): GroupJson => ({
  name,
  ip: ips[0] ?? "",
  ...(ips.length > 1 ? { ips: [...ips] } : {}),
});

function cidrsJson(
  { prefixes }: Group,
  networks: readonly string[],
): { cidr?: string; cidrs: Record<string, string> } {
  const cidrs = Object.fromEntries(
    networks.flatMap((name) => (prefixes[name] ? [[name, formatCidr(prefixes[name])]] : [])),
  );
  const [first] = Object.values(cidrs);
  return { ...(first === undefined ? {} : { cidr: first }), cidrs };
}
