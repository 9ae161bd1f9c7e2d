// Whether pod networks leave the service range alone (R15).
import type { Snapshot } from "../../core/model/snapshot.ts";
import { formatCidr, overlaps, parseCidr } from "../../core/net/cidr.ts";

/** A sentence that names both, or `undefined`. `range`: CIDRs by commas, "" for none. */
export function overlapFault({ topology }: Snapshot, range: string): string | undefined {
  const services = range
    .split(",")
    .filter((text) => text !== "")
    .map((text) => parseCidr(text, "--service-cluster-ip-range"));
  for (const service of services) {
    const network = topology.networks.find(({ cidr }) => overlaps(cidr, service));
    if (network)
      return `network ${network.name} (${formatCidr(network.cidr)}) overlaps the service range ${formatCidr(service)}`;
  }
  return undefined;
}
