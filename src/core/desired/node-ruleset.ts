// The whole table of one node, from what it was told and the pods that are on it. Same input, same ruleset: see docs/design/nft.md.
import type { Ruleset } from "../nft/types.ts";
import type { Isolation, NodePolicy } from "../model/node-policy.ts";
import type { Ip } from "../net/ip.ts";
import { baseChains, hostChains } from "./base-chains.ts";
import { type Masquerade, masqueradeChain, masqueradeSets } from "./masquerade.ts";
import { setsOf } from "./nft-sets.ts";
import { podSets, policySetChains } from "./pod-sets.ts";
import { policyChains } from "./policy-chains.ts";

/** A pod that is attached here. */
export type RulesetEndpoint = {
  /** As policies know it; `undefined`: they do not. */
  readonly pod: string | undefined;
  readonly hostInterface: string;
  readonly ips: readonly Ip[];
};
export type RulesetNode = {
  readonly endpoints: readonly RulesetEndpoint[];
  /** TCP ports of hosts that no policy cuts. */
  readonly failsafePorts: readonly number[];
  /** `undefined`: pods keep their addresses wherever they send to. */
  readonly masquerade?: Masquerade | undefined;
};
export type IsolatedEndpoint = RulesetEndpoint & Isolation;

/** Of a node that no policy concerns: what is left is what every node needs. */
export const OPEN_POLICY: NodePolicy = {
  host: { name: "", ips: [], ingress: undefined, egress: undefined },
  ...{ pods: new Map(), chains: new Map(), sets: new Map() },
};

export function desiredRuleset(policy: NodePolicy, node: RulesetNode): Ruleset {
  const { failsafePorts, masquerade } = node;
  const pods = node.endpoints.map((endpoint) => isolated(policy, endpoint));
  return {
    sets: byName([
      ...podSets(pods),
      ...(masquerade ? masqueradeSets(masquerade) : []),
      ...[...policy.sets.values()].flatMap(setsOf),
    ]),
    chains: byName([
      ...baseChains(policy.host),
      ...hostChains(policy.host, failsafePorts),
      ...(masquerade ? [masqueradeChain(masquerade)] : []),
      ...policySetChains(pods),
      ...[...policy.chains.values()].flatMap(policyChains),
    ]),
  };
}

function isolated({ pods }: NodePolicy, endpoint: RulesetEndpoint): IsolatedEndpoint {
  const { ingress, egress } = (endpoint.pod === undefined ? undefined : pods.get(endpoint.pod)) ?? {};
  return { ...endpoint, ingress, egress };
}

const byName = <T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> =>
  new Map(list.map((each) => [each.name, each]));
