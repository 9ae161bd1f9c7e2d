// What the table knows of the pods that are attached here: their addresses, and the policies that each is under.
import { memoize } from "../../base/memoize.ts";
import type { KeyType, NftChain, NftSet } from "../nft/types.ts";
import { hostCidr } from "../net/cidr.ts";
import type { Direction } from "../model/policy.ts";
import type { Family } from "../net/ip.ts";
import type { IsolatedEndpoint, RulesetEndpoint } from "./node-ruleset.ts";
import { type Entry, entryOf, nftSet } from "./nft-sets.ts";
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

export const podSets = (pods: Pods): NftSet[] =>
  FAMILIES.flatMap((family) => {
    const entries = (some: Pods, part: keyof PodEntries): Entry[] =>
      some.flatMap(({ endpoint }) => entriesOf(endpoint)[family][part]);
    const isolated = pods.filter(({ ingress, egress }) => ingress ?? egress);
    return [
      ...DIRECTIONS.map((direction) => dispatchMap(pods, direction, family)),
      setOf(POD_SETS.own, "addresses by interface", family, ["ifname"], entries(pods, "own")),
      // Those under no policy need no leave.
      setOf(
        POD_SETS.self,
        "pods under policy, to themselves",
        family,
        [ADDRESS[family]],
        entries(isolated, "self"),
      ),
      setOf(POD_SETS.pods, "the pods of this node", family, [], entries(pods, "pods")),
    ];
  });

/** A key ends with an address. */
const setOf = (
  name: string,
  comment: string,
  family: Family,
  before: readonly KeyType[],
  entries: readonly Entry[],
): NftSet => nftSet({ name, comment, family, key: [...before, ADDRESS[family]], entries });

type PodEntries = {
  readonly own: readonly Entry[];
  readonly pods: readonly Entry[];
  /** From each address of the pod to each. */
  readonly self: readonly Entry[];
};
/** Made once for each pod while it is attached: each pass has to do with all of them. */
const entriesOf = memoize((endpoint: RulesetEndpoint): Readonly<Record<Family, PodEntries>> => ({
  4: entriesOfFamily(endpoint, 4),
  6: entriesOfFamily(endpoint, 6),
}));

function entriesOfFamily({ hostInterface, ips }: RulesetEndpoint, family: Family): PodEntries {
  const own = ips.filter((ip) => ip.family === family).map(hostCidr);
  return {
    own: own.map((ip) => entryOf(hostInterface, ip)),
    pods: own.map((ip) => entryOf(ip)),
    self: own.flatMap((from) => own.map((to) => entryOf(from, to))),
  };
}

function dispatchMap(pods: Pods, direction: Direction, family: Family): NftSet {
  const entries = pods.flatMap((pod): Entry[] => {
    const policies = pod[direction];
    if (!policies) return [];
    const { name } = policySetChain(direction, policies);
    return entriesOf(pod.endpoint)[family].pods.map(([text, { key }]) => [text, { key, chain: name }]);
  });
  const about = { name: POD_MAPS[direction], comment: `pods under ${direction} policy`, family };
  return nftSet({ ...about, key: [ADDRESS[family]], entries, isMap: true });
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

/** By the list that they are made of: hashing its name and telling its form cost more than all the rest of a pass. */
const made = {
  ingress: memoize((policies: readonly string[]) => makeChain("ingress", policies)),
  egress: memoize((policies: readonly string[]) => makeChain("egress", policies)),
};
const policySetChain = (direction: Direction, policies: readonly string[]): NftChain =>
  made[direction](policies);
function makeChain(direction: Direction, policies: readonly string[]): NftChain {
  const name = policySetName(direction, policies);
  return chain(name, "", ...tryAll(name, policies));
}
