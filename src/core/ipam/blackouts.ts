// Reserved ranges. A blackout takes nothing from who has it: addresses in use inside stay until they are released, and
// are not given again.
import { type Cidr, containsIp, overlaps } from "../net/cidr.ts";
import type { Address, Blackout } from "../model/records.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Write } from "./types.ts";

/** `inUse`: who holds an address inside, for the operator to move. */
export function planBlackout(
  state: IpamState,
  blackout: Blackout,
): Plan & { readonly inUse: readonly Address[] } {
  const writes: Write[] = [{ kind: "put-blackout", blackout }, ...bumpsOver(state, blackout.cidr)];
  const inUse = [...state.addresses.values()].filter(({ ips }) =>
    ips.some(({ ip }) => containsIp(blackout.cidr, ip)),
  );
  return { writes, guards: [], inUse };
}

export function planBlackoutRemoval(state: IpamState, cidr: Cidr): Plan {
  return { writes: [{ kind: "delete-blackout", cidr }, ...bumpsOver(state, cidr)], guards: [] };
}

function bumpsOver(state: IpamState, cidr: Cidr): Write[] {
  return state.topology.networks
    .filter((network) => overlaps(network.cidr, cidr))
    .map(({ name }) => ({ kind: "bump-guard", network: name }));
}
