// A policy to the chain that enforces it: peers become names of sets, names of ports numbers. No address of a pod is looked
// at here, so a chain changes when its policy does and at no other time.
import { hashedName } from "../../base/hashed-name.ts";
import type { NodeChain, NodeRule, NodeTraffic, PortRange } from "../model/node-policy.ts";
import type { Peer, Policy, PolicyPod, PortProtocol, Rule, Traffic } from "../model/policy.ts";
import { prefixSet, subtract, toCidrs, union } from "../net/prefix-set.ts";
import { compareText, mergeRanges } from "./canonical.ts";
import { setName, type SetSpec } from "./set-spec.ts";

export type Compiled = { readonly chain: NodeChain; readonly sets: ReadonlyMap<string, SetSpec> };

/** Numbers that the subject gives to the ports that an ingress policy names: `[protocol, name, …numbers]`, in order. */
export type PortNumbers = readonly (readonly [PortProtocol, string, ...number[]])[];

type NamedTraffic = Extract<Traffic, { kind: "named" }>;
const namedTraffic = ({ rules }: Policy): NamedTraffic[] =>
  rules.flatMap(({ traffic }) => traffic.filter((each) => each.kind === "named"));

/** Whether two subjects of the policy may need different chains. */
export const hasNumbers = (policy: Policy): boolean =>
  policy.direction === "ingress" && namedTraffic(policy).length > 0;

/** A name that the pod has twice stands for both numbers; one that it has not for none. */
export function portNumbers(policy: Policy, pod: PolicyPod): PortNumbers {
  const names = new Map(namedTraffic(policy).map((each) => [`${each.protocol} ${each.name}`, each]));
  return [...names]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, { protocol, name }]) => {
      const numbers = pod.ports.filter((port) => port.name === name && port.protocol === protocol);
      const distinct = [...new Set(numbers.map(({ port }) => port))].sort((a, b) => a - b);
      return [protocol, name, ...distinct];
    });
}

export function compilePolicy(policy: Policy, numbers: PortNumbers): Compiled {
  const { id, direction, rules } = policy;
  const sets = new Map<string, SetSpec>();
  const nameOf = (spec: SetSpec): string => {
    const name = setName(spec);
    sets.set(name, spec);
    return name;
  };
  const name = hashedName("policy", JSON.stringify([id, ...numbers]));
  const compiled = rules.flatMap((rule, i) => {
    const matches =
      direction === "ingress"
        ? [matchPeers(rule, numbers, nameOf)]
        : [matchPeers(rule, [], nameOf), ...matchEndpoints(rule, nameOf)];
    return matches.flatMap((match): NodeRule[] => (match ? [{ rule: i, action: rule.action, match }] : []));
  });
  return { chain: { name, policy: id, direction, rules: compiled }, sets };
}

type NameOf = (spec: SetSpec) => string;

/** `undefined` where it could match nothing. */
function matchPeers(
  { peers, traffic }: Rule,
  numbers: PortNumbers,
  nameOf: NameOf,
): NodeRule["match"] | undefined {
  const kinds = traffic.some(({ kind }) => kind === "any") ? "any" : numericTraffic(traffic, numbers);
  if (kinds.length === 0 || peers.length === 0) return undefined;
  if (peers.some(({ kind }) => kind === "any")) return { kind: "peers", peers: "any", traffic: kinds };
  return { kind: "peers", peers: peerSets(peers).map(nameOf), traffic: kinds };
}

/** The pods that have the named port, each with its number of it: as pairs, since no other port of theirs is meant. */
function matchEndpoints({ peers, traffic }: Rule, nameOf: NameOf): NodeRule["match"][] {
  if (peers.length === 0) return [];
  return traffic
    .filter((each) => each.kind === "named")
    .map(({ protocol, name }) => {
      const set = nameOf({ kind: "endpoints", peers, protocol, port: name });
      return { kind: "endpoints", protocol, set };
    });
}

/** One set for each selector, shared with other policies; one for all prefixes of the rule, as they may overlap. */
function peerSets(peers: readonly Peer[]): SetSpec[] {
  const blocks = peers.filter((peer) => peer.kind === "cidr");
  const addresses = blocks
    .map(({ cidr, except }) => subtract(prefixSet([cidr]), prefixSet(except)))
    .reduce(union, prefixSet([]));
  const others = peers.flatMap((peer): SetSpec[] =>
    peer.kind === "cidr" || peer.kind === "any" ? [] : [peer],
  );
  return blocks.length > 0 ? [...others, { kind: "cidrs", cidrs: toCidrs(addresses) }] : others;
}

function numericTraffic(traffic: readonly Traffic[], numbers: PortNumbers): NodeTraffic[] {
  const ranges = new Map<PortProtocol, PortRange[]>();
  const add = (protocol: PortProtocol, range: PortRange): void => {
    ranges.set(protocol, [...(ranges.get(protocol) ?? []), range]);
  };
  const icmp: NodeTraffic[] = [];
  for (const each of traffic)
    if (each.kind === "ports") add(each.protocol, { first: each.first, last: each.last });
    else if (each.kind === "icmp") icmp.push(each);
    else if (each.kind === "named")
      for (const port of numbersOf(each, numbers)) add(each.protocol, { first: port, last: port });
  const ports = [...ranges].map(([protocol, list]): NodeTraffic => ({
    kind: "ports",
    protocol,
    ranges: mergeRanges(list),
  }));
  return [...ports, ...icmp];
}

function numbersOf({ protocol, name }: NamedTraffic, numbers: PortNumbers): readonly number[] {
  const found = numbers.find(([ofProtocol, ofName]) => ofProtocol === protocol && ofName === name);
  return (found?.slice(2) as number[] | undefined) ?? [];
}
