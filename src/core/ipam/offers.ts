// Which prefixes a tenant's pod on a host may get an address from, best first. Looks at the topology, never at blocks.
import type { Cidr } from "../net/cidr.ts";
import type { Host } from "../model/records.ts";
import type { Network } from "../model/topology.ts";
import type { IpamState } from "./state.ts";

/** The prefix of the host's group in one network. */
export type Offer = { readonly network: Network; readonly group: string; readonly prefix: Cidr };

/** Networks of the tenant first, then those open to all; within each, in the order of trees and of their networks. */
export function offersTo(state: IpamState, host: Host, tenant: string): Offer[] {
  const own: Offer[] = [];
  const open: Offer[] = [];
  for (const offer of offersOf(state, host)) {
    if (offer.network.tenants.length === 0) open.push(offer);
    else if (offer.network.tenants.includes(tenant)) own.push(offer);
  }
  return [...own, ...open];
}

/** Whatever the host's groups have, for any tenant. Empty: the host is in no group. */
export function offersOf(state: IpamState, host: Host): Offer[] {
  const offers: Offer[] = [];
  for (const [index, tree] of state.topology.trees.entries()) {
    const path = host.groups[index];
    const group = path === undefined ? undefined : state.group(index, path);
    for (const name of group ? tree.networks : []) {
      const network = state.network(name);
      const prefix = group?.prefixes[name];
      if (group && network && prefix) offers.push({ network, group: group.path, prefix });
    }
  }
  return offers;
}
