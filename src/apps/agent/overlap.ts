// Whether pods, services and nodes have addresses of their own each (R15).
import type { Snapshot } from "../../core/model/snapshot.ts";
import { type Cidr, containsIp, formatCidr, overlaps } from "../../core/net/cidr.ts";
import { formatIp } from "../../core/net/ip.ts";

export type OtherNetworks = {
  /** `--service-cluster-ip-range`. */
  readonly services: readonly Cidr[];
  /** Of this node's interfaces. */
  readonly subnets: readonly Cidr[];
};
type Named = { readonly cidr: Cidr; readonly name: string };

/** A sentence that names both, or `undefined`. */
export function overlapFault(
  { topology, hosts }: Pick<Snapshot, "topology" | "hosts">,
  { services, subnets }: OtherNetworks,
): string | undefined {
  const pods = topology.networks.map(({ name, cidr }) => ({
    cidr,
    name: `network ${name} (${formatCidr(cidr)})`,
  }));
  const ranges = services.map((cidr) => ({ cidr, name: `the service range ${formatCidr(cidr)}` }));
  const links = subnets.map((cidr) => ({ cidr, name: `this node's subnet ${formatCidr(cidr)}` }));
  return (
    firstOverlap(pods, [...ranges, ...links]) ?? firstOverlap(ranges, links) ?? firstHostInside(pods, hosts)
  );
}

function firstOverlap(some: readonly Named[], others: readonly Named[]): string | undefined {
  for (const other of others) {
    const found = some.find(({ cidr }) => overlaps(cidr, other.cidr));
    if (found) return `${found.name} overlaps ${other.name}`;
  }
  return undefined;
}

function firstHostInside(pods: readonly Named[], hosts: Snapshot["hosts"]): string | undefined {
  for (const { name, ips } of hosts.values())
    for (const ip of ips) {
      const found = pods.find(({ cidr }) => containsIp(cidr, ip));
      if (found) return `${found.name} has the address ${formatIp(ip)} of host ${name} in it`;
    }
  return undefined;
}
