// What the table knows of the pods that are attached here: their addresses, and the policies that each is under.
import type { KeyType, KeyValue, NftChain, NftSet } from "../nft/types.ts";
import { hostCidr } from "../net/cidr.ts";
import type { Direction } from "../model/policy.ts";
import type { Family, Ip } from "../net/ip.ts";
import type { IsolatedEndpoint } from "./node-ruleset.ts";
import { nftSet } from "./nft-sets.ts";
import {
  ADDRESS,
  chain,
  DIRECTIONS,
  FAMILIES,
  POD_MAPS,
  POD_SETS,
  policySetName,
  tryAll,
} from "./ruleset-words.ts";

type Pods = readonly IsolatedEndpoint[];
type Entry = readonly [key: readonly KeyValue[], chain?: string];

export const podSets = (pods: Pods): NftSet[] =>
  FAMILIES.flatMap((family) => [
    ...DIRECTIONS.map((direction) => dispatchMap(pods, direction, family)),
    setOf(POD_SETS.own, "addresses by interface", family, ["ifname"], ownEntries(pods, family)),
    setOf(
      POD_SETS.self,
      "pods under policy, to themselves",
      family,
      [ADDRESS[family]],
      selfEntries(pods, family),
    ),
    setOf(POD_SETS.pods, "the pods of this node", family, [], addressEntries(pods, family)),
  ]);

/** A key ends with an address. */
const setOf = (
  name: string,
  comment: string,
  family: Family,
  before: readonly KeyType[],
  entries: readonly Entry[],
): NftSet => nftSet({ name, comment, family, key: [...before, ADDRESS[family]], entries });

const ipsOf = ({ ips }: IsolatedEndpoint, family: Family): readonly Ip[] =>
  ips.filter((ip) => ip.family === family);

function dispatchMap(pods: Pods, direction: (typeof DIRECTIONS)[number], family: Family): NftSet {
  const entries = pods.flatMap((pod): Entry[] => {
    const policies = pod[direction];
    if (!policies) return [];
    return ipsOf(pod, family).map((ip) => [[hostCidr(ip)], policySetChain(direction, policies).name]);
  });
  const about = { name: POD_MAPS[direction], comment: `pods under ${direction} policy`, family };
  return nftSet({ ...about, key: [ADDRESS[family]], entries, isMap: true });
}

const ownEntries = (pods: Pods, family: Family): Entry[] =>
  pods.flatMap((pod) => ipsOf(pod, family).map((ip): Entry => [[pod.hostInterface, hostCidr(ip)]]));

const addressEntries = (pods: Pods, family: Family): Entry[] =>
  pods.flatMap((pod) => ipsOf(pod, family).map((ip): Entry => [[hostCidr(ip)]]));

/** From each address of a pod to each. Those under no policy need no leave. */
function selfEntries(pods: Pods, family: Family): Entry[] {
  const isolated = pods.filter(({ ingress, egress }) => ingress ?? egress);
  return isolated.flatMap((pod) => {
    const ips = ipsOf(pod, family);
    return ips.flatMap((from) => ips.map((to): Entry => [[hostCidr(from), hostCidr(to)]]));
  });
}

/** One for each distinct list of policies, whoever is under it. */
export function policySetChains(pods: Pods): NftChain[] {
  const chains = new Map<string, NftChain>();
  for (const pod of pods)
    for (const direction of DIRECTIONS) {
      const policies = pod[direction];
      if (!policies) continue;
      const chain = policySetChain(direction, policies);
      if (!chains.has(chain.name)) chains.set(chain.name, chain);
    }
  return [...chains.values()];
}

type Lists = WeakMap<readonly string[], NftChain>;
/** By the list that they were made of: hashing its name and telling its form cost more than all the rest of a pass. */
const made: Readonly<Record<Direction, Lists>> = { ingress: new WeakMap(), egress: new WeakMap() };

function policySetChain(direction: Direction, policies: readonly string[]): NftChain {
  const known = made[direction].get(policies);
  if (known) return known;
  const name = policySetName(direction, policies);
  const chained = chain(name, "", ...tryAll(policies));
  made[direction].set(policies, chained);
  return chained;
}
