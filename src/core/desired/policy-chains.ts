// One policy's chain of a node as rules of nftables. Of the two families each rule is in one, as addresses are.
import { memoize } from "../../base/memoize.ts";
import { commentOf } from "../nft/mark.ts";
import type { KeyField, Match, NftChain, NftRule, Verdict } from "../nft/types.ts";
import type { NodeChain, NodePolicy, NodeRule, NodeTraffic } from "../model/node-policy.ts";
import type { Direction } from "../model/policy.ts";
import type { Family } from "../net/ip.ts";
import { addressField, chain, INGRESS, lookups } from "./ruleset-words.ts";

/** What an allowing rule does. */
const ALLOW: Readonly<Record<Direction, Verdict>> = {
  egress: { kind: "goto", chain: INGRESS },
  ingress: { kind: "accept" },
};

/** One way to match; `family` where it is for one of them only. */
type Way = { readonly family: Family | undefined; readonly matches: readonly Match[] };

/** For packets of these families. The same objects while the chains that they are made of are the same, as of `policySets`. */
export const policyChains = memoize((families: readonly Family[]) => {
  const chainsOf = memoize((chain: NodeChain) => makeChains(chain, families));
  return memoize((chains: NodePolicy["chains"]) => [...chains.values()].flatMap(chainsOf));
});

/** The policy's chain, and one more for each rule with several peers and several kinds of traffic: so there are as many rules as both together. */
function makeChains(
  { name, policy, direction, rules }: NodeChain,
  families: readonly Family[],
): readonly NftChain[] {
  const more: NftChain[] = [];
  const list = rules.flatMap((rule, i) => {
    const { peers, traffic } = waysOf(rule, direction, families);
    const allow = rulesOf(ALLOW[direction], rule);
    if (peers.length <= families.length || traffic.length <= 1) return allow(cross(peers, traffic));
    const kinds = chain(`${name}.${i}`, "", ...allow(traffic));
    more.push(kinds);
    return rulesOf({ kind: "jump", chain: kinds.name }, rule)(peers);
  });
  return [chain(name, commentOf(`${direction} policy ${policy}`), ...list), ...more];
}

const rulesOf =
  (verdict: Verdict, { rule }: NodeRule) =>
  (ways: readonly Way[]): NftRule[] =>
    ways.map(({ matches }) => ({ matches, counter: false, verdict, comment: `rule ${rule}` }));

type Ways = { readonly peers: readonly Way[]; readonly traffic: readonly Way[] };
const always: readonly Way[] = [{ family: undefined, matches: [] }];

function waysOf({ match }: NodeRule, direction: Direction, families: readonly Family[]): Ways {
  const end = direction === "ingress" ? "saddr" : "daddr";
  const inSet = (set: string, fields: (family: Family) => KeyField[]): Way[] =>
    lookups(set, fields, { families }).map((match, i) => ({ family: families[i], matches: [match] }));
  if (match.kind === "endpoints")
    return {
      peers: inSet(match.set, (family) => [addressField(family, end), `${match.protocol} dport`]),
      traffic: always,
    };
  return {
    peers:
      match.peers === "any"
        ? always
        : match.peers.flatMap((set) => inSet(set, (family) => [addressField(family, end)])),
    traffic: match.traffic === "any" ? always : match.traffic.flatMap(trafficWays),
  };
}

function trafficWays(traffic: NodeTraffic): Way[] {
  if (traffic.kind === "ports")
    return traffic.ranges.map((range) => ({
      family: undefined,
      matches: [{ kind: "ports", protocol: traffic.protocol, ...range }],
    }));
  const { family, type, code } = traffic;
  const types = type === undefined ? {} : { types: [type, type] as const };
  return [{ family, matches: [{ kind: "icmp", family, ...types, ...(code === undefined ? {} : { code }) }] }];
}

/** Each with each; what no packet can be (an address of one family, ICMP of the other) is left out. */
const cross = (peers: readonly Way[], traffic: readonly Way[]): Way[] =>
  peers.flatMap((peer) =>
    traffic.flatMap((each) =>
      peer.family && each.family && peer.family !== each.family
        ? []
        : [{ family: peer.family ?? each.family, matches: [...peer.matches, ...each.matches] }],
    ),
  );
