// The whole table of one node, from what it was told and the pods that are on it. Same input, same ruleset: see docs/design/nft.md.
import type { Ruleset } from "../nft/types.ts";
import type { Isolation, NodePolicy } from "../model/node-policy.ts";
import type { Family, Ip } from "../net/ip.ts";
import { baseChains, hostChains } from "./base-chains.ts";
import { type Masquerade, masqueradeChain, masqueradeSets } from "./masquerade.ts";
import { policySets } from "./nft-sets.ts";
import { podSets, policySetChains } from "./pod-sets.ts";
import { policyChains } from "./policy-chains.ts";
import { FAMILIES } from "./ruleset-words.ts";

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
  /** Of the networks that pods get addresses of. */
  readonly families: readonly Family[];
  /** `undefined`: pods keep their addresses wherever they send to. */
  readonly masquerade?: Masquerade | undefined;
};
export type IsolatedEndpoint = Isolation & { readonly endpoint: RulesetEndpoint };

/** Of a node that no policy concerns: what is left is what every node needs. */
export const OPEN_POLICY: NodePolicy = {
  host: { name: "", ips: [], ingress: undefined, egress: undefined },
  ...{ pods: new Map(), chains: new Map(), sets: new Map() },
};

export function desiredRuleset(policy: NodePolicy, node: RulesetNode): Ruleset {
  const { failsafePorts, masquerade } = node;
  const pods = node.endpoints.map((endpoint) => isolated(policy, endpoint));
  const families = familiesOf(policy, node);
  return {
    sets: byName([
      ...podSets(pods),
      ...(masquerade ? masqueradeSets(masquerade) : []),
      ...policySets(families)(policy.sets),
    ]),
    chains: byName([
      ...baseChains(policy.host),
      ...hostChains(policy.host, failsafePorts),
      ...(masquerade ? [masqueradeChain(masquerade)] : []),
      ...policySetChains(pods),
      ...policyChains(families)(policy.chains),
    ]),
  };
}

const ONLY: Readonly<Record<Family, readonly Family[]>> = { 4: [4], 6: [6] };

/**
 * Of the packets that policies judge here: they are a pod's, or the host's own. That of the networks is counted too, so that the first pod of
 * a family does not change all policies on its node.
 */
function familiesOf({ host }: NodePolicy, { endpoints, families }: RulesetNode): readonly Family[] {
  if (host.ingress ?? host.egress) return FAMILIES;
  const [four, six] = FAMILIES.map(
    (family) =>
      families.includes(family) || endpoints.some(({ ips }) => ips.some((ip) => ip.family === family)),
  );
  return four === six ? FAMILIES : four ? ONLY[4] : ONLY[6];
}

function isolated({ pods }: NodePolicy, endpoint: RulesetEndpoint): IsolatedEndpoint {
  const { ingress, egress } = (endpoint.pod === undefined ? undefined : pods.get(endpoint.pod)) ?? {};
  return { endpoint, ingress, egress };
}

function byName<T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> {
  const named = new Map<string, T>();
  for (const each of list) named.set(each.name, each);
  return named;
}
