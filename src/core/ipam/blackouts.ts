// Reserved ranges. A blackout takes nothing from who has it: addresses in use inside stay until they are released, and
// are not given again.
import { type Cidr, containsIp, overlaps } from "../net/cidr.ts";
import type { Address, Blackout } from "../model/records.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Write } from "./types.ts";

export function planBlackout(state: IpamState, blackout: Blackout): Plan {
  return { writes: [{ kind: "put-blackout", blackout }, ...bumpsOver(state, blackout.cidr)], guards: [] };
}

export function planBlackoutRemoval(state: IpamState, cidr: Cidr): Plan {
  return { writes: [{ kind: "delete-blackout", cidr }, ...bumpsOver(state, cidr)], guards: [] };
}

/** Who holds an address inside. */
export const addressesIn = (state: IpamState, cidr: Cidr): Address[] =>
  [...state.addresses.values()].filter(({ ips }) => ips.some(({ ip }) => containsIp(cidr, ip)));

/** Fails the plans that were made before, of every network that has an address in `cidr`. */
export function bumpsOver(state: IpamState, cidr: Cidr): Write[] {
  return state.topology.networks
    .filter((network) => overlaps(network.cidr, cidr))
    .map(({ name }) => ({ kind: "bump-guard", network: name }));
}
