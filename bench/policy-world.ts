// A node under network policies, as its agent is told of it: the world of the benches of policy.
import { desiredRuleset, type RulesetEndpoint } from "../src/core/desired/node-ruleset.ts";
import type { NodeChain, NodePod, NodePolicy, NodeSet } from "../src/core/model/node-policy.ts";
import { hostCidr } from "../src/core/net/cidr.ts";
import { type Ip, parseIp } from "../src/core/net/ip.ts";
import { elementKey } from "../src/core/policy/set-spec.ts";

const MEMBERS = 20;
export const address = (i: number): Ip => parseIp(`10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);

export type World = { readonly policy: NodePolicy; readonly endpoints: readonly RulesetEndpoint[] };

/** Each pod is under one policy; each policy has two rules, of one set each. */
export function world(pods: number, policies: number, sets: number): World {
  const setName = (i: number): string => `pods-${i % sets}`;
  const members = (i: number): NodeSet["elements"] =>
    new Map(
      Array.from({ length: MEMBERS }, (_, k) => ({ cidr: hostCidr(address((i * MEMBERS + k) % pods)) })).map(
        (each) => [elementKey(each), each],
      ),
    );
  const traffic = [{ kind: "ports", protocol: "tcp", ranges: [{ first: 80, last: 80 }] }] as const;
  const chainOf = (i: number): NodeChain => ({
    ...{ name: `policy-${i}`, policy: `p${i}`, direction: "ingress" },
    rules: [0, 1].map((k) => ({
      ...{ rule: k, action: "allow" },
      match: { kind: "peers", peers: [setName(2 * i + k)], traffic },
    })),
  });
  const podOf = (i: number): NodePod => ({
    ...{ id: `pod-${i}`, ips: [address(i)], ingress: [`policy-${i % policies}`], egress: undefined },
  });
  const named = <T extends { readonly name: string }>(list: T[]): Map<string, T> =>
    new Map(list.map((each) => [each.name, each]));
  const setList = Array.from({ length: sets }, (_, i): NodeSet => ({
    name: setName(i),
    about: "",
    kind: "addresses",
    elements: members(i),
  }));
  return {
    policy: {
      host: { name: "h", ips: [], ingress: undefined, egress: undefined },
      pods: new Map(Array.from({ length: pods }, (_, i) => [`pod-${i}`, podOf(i)])),
      chains: named(Array.from({ length: policies }, (_, i) => chainOf(i))),
      sets: named(setList),
    },
    endpoints: Array.from({ length: pods }, (_, i) => ({
      pod: `pod-${i}`,
      hostInterface: `rom${i}`,
      ips: [address(i)],
    })),
  };
}

export const rulesetOf = ({ policy, endpoints }: World) =>
  desiredRuleset(policy, { endpoints, families: [4], failsafePorts: [22] });
