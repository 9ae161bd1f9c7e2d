// Whether pod networks leave the service range alone (R15).
import type { Snapshot } from "../../core/model/snapshot.ts";
import { type Cidr, formatCidr, overlaps } from "../../core/net/cidr.ts";

/** A sentence that names both, or `undefined`. */
export function overlapFault({ topology }: Snapshot, services: readonly Cidr[]): string | undefined {
  for (const service of services) {
    const network = topology.networks.find(({ cidr }) => overlaps(cidr, service));
    if (network)
      return `network ${network.name} (${formatCidr(network.cidr)}) overlaps the service range ${formatCidr(service)}`;
  }
  return undefined;
}
