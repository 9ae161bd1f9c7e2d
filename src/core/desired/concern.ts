// Which hosts concern which nodes: a node routes to those that are on-link to it (see node-routes.ts) and to nobody else, so it
// needs to hear of no others. Pure; knows nothing of streams.
import { type Cidr, cidrOf, containsIp, formatCidr } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";

/** What a node has to hear of: its own host, and hosts with an address in one of its subnets. */
export type Scope = { readonly host: string; readonly subnets: readonly Cidr[] };
/** A host that a change is about, as far as it decides whom the change concerns. */
export type Party = { readonly host: string; readonly ips: readonly Ip[] };

export const concerns = ({ host, subnets }: Scope, party: Party): boolean =>
  party.host === host || party.ips.some((ip) => subnets.some((subnet) => containsIp(subnet, ip)));

/** Those who want to hear, found by what a change is about: costs a look for each length of subnet, not one for each of them. */
export type ConcernIndex<T> = {
  readonly add: (scope: Scope, who: T) => void;
  /** With the scope that it was added with. */
  readonly remove: (scope: Scope, who: T) => void;
  readonly of: (party: Party) => Set<T>;
};

export function concernIndex<T>(): ConcernIndex<T> {
  const byHost = new Map<string, Set<T>>();
  const bySubnet = new Map<string, Set<T>>();
  /** How many subnets of each length are wanted. */
  const lengths = { 4: new Map<number, number>(), 6: new Map<number, number>() };
  const count = ({ ip, length }: Cidr, change: 1 | -1): void => {
    const left = (lengths[ip.family].get(length) ?? 0) + change;
    if (left > 0) lengths[ip.family].set(length, left);
    else lengths[ip.family].delete(length);
  };
  return {
    add({ host, subnets }, who) {
      join(byHost, host, who);
      for (const subnet of subnets) {
        join(bySubnet, formatCidr(subnet), who);
        count(subnet, 1);
      }
    },
    remove({ host, subnets }, who) {
      leave(byHost, host, who);
      for (const subnet of subnets) {
        leave(bySubnet, formatCidr(subnet), who);
        count(subnet, -1);
      }
    },
    of({ host, ips }) {
      const found = new Set(byHost.get(host));
      for (const ip of ips)
        for (const length of lengths[ip.family].keys())
          for (const who of bySubnet.get(formatCidr(cidrOf(ip, length))) ?? []) found.add(who);
      return found;
    },
  };
}

function join<T>(sets: Map<string, Set<T>>, key: string, who: T): void {
  const set = sets.get(key);
  if (set) set.add(who);
  else sets.set(key, new Set([who]));
}

function leave<T>(sets: Map<string, Set<T>>, key: string, who: T): void {
  const set = sets.get(key);
  if (set?.delete(who) && set.size === 0) sets.delete(key);
}
