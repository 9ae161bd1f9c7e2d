// The chains that are on every node: where packets come in, and what comes before policy.
import { memoize } from "../../base/memoize.ts";
import type { HookName, Match, NftChain, NftRule } from "../nft/types.ts";
import type { NodeHost } from "../model/node-policy.ts";
import type { Direction } from "../model/policy.ts";
import { parseCidr } from "../net/cidr.ts";
import {
  ACCEPT,
  addressField,
  chain,
  DIRECTIONS,
  drop,
  FAMILIES,
  familyName,
  INGRESS,
  lookups,
  POD_MAPS,
  POD_SETS,
  rule,
  tryAll,
} from "./ruleset-words.ts";

/** NF_IP_PRI_RAW, before conntrack, and NF_IP_PRI_FILTER, after the translation of destinations. */
const [RAW, FILTER] = [-300, 0];
const POD_INTERFACES = "rom*";
const FROM_POD = "from-pod";
export const HOST_CHAINS: Readonly<Record<Direction, string>> = {
  egress: "host-egress",
  ingress: "host-ingress",
};
const hooked = (name: HookName, priority: number, ...rules: NftRule[]): NftChain => ({
  ...chain(name, "", ...rules),
  hook: { type: "filter", name, priority },
});
const goTo = (chain: string, ...matches: Match[]): NftRule => rule({ kind: "goto", chain }, ...matches);

const knownFlow = rule(ACCEPT, { kind: "known-flow" });
/** ICMPv6 types: router and neighbour discovery and redirects, multicast listeners (RFC 4861, 2710, 3810). */
const DISCOVERY = [133, 137] as const;
const LISTENERS = [130, 132] as const;
const LISTENERS_2 = [143, 143] as const;
const neighbours = [DISCOVERY, LISTENERS, LISTENERS_2].map((types) =>
  rule(ACCEPT, { kind: "icmp", family: 6, types }),
);
const local = (direction: "in" | "out"): NftRule =>
  rule(ACCEPT, { kind: "interface", direction, name: "lo" });

/** The same objects while the host is under the same policies. */
export const baseChains = memoize((host: NodeHost): readonly NftChain[] => {
  const toHost = host.ingress ? [goTo(HOST_CHAINS.ingress, { kind: "to-this-host" })] : [];
  const fromPods = [...dispatch("egress"), goTo(INGRESS)];
  return [
    hooked("prerouting", RAW, goTo(FROM_POD, { kind: "interface", direction: "in", name: POD_INTERFACES })),
    hooked("input", FILTER, local("in"), knownFlow, ...neighbours, ...fromPods),
    hooked("forward", FILTER, knownFlow, ...toItself, ...fromPods),
    hooked("output", FILTER, ...(host.egress ? fromHost : [])),
    fromPod(),
    chain(INGRESS, "the sender's side allows it", ...toHost, ...dispatch("ingress"), rule(ACCEPT)),
  ];
});

const acceptIn = (set: string, ...ends: ("saddr" | "daddr")[]): NftRule[] =>
  lookups(set, (family) => ends.map((end) => addressField(family, end))).map((match) => rule(ACCEPT, match));
const toItself = acceptIn(POD_SETS.self, "saddr", "daddr");
/** By address, not by interface: where a service's address was translated, the interface is that of before. */
const fromHost = [
  local("out"),
  knownFlow,
  ...neighbours,
  ...acceptIn(POD_SETS.pods, "daddr"),
  goTo(HOST_CHAINS.egress),
];

const dispatch = (direction: Direction): NftRule[] =>
  FAMILIES.map((family) =>
    rule({
      kind: "map",
      fields: [addressField(family, direction === "egress" ? "saddr" : "daddr")],
      map: familyName(POD_MAPS[direction], family),
    }),
  );

/** RFC 4861 and 3810: from a pod's link-local address, or from none yet. A pod is no router: it advertises and redirects nothing. */
const OF_A_POD = [[133, 133], [135, 136], [131, 132], LISTENERS_2] as const;
const LINK_LOCAL = ["fe80::/10", "::/128"].map((text) => parseCidr(text));

function fromPod(): NftChain {
  const own = lookups(POD_SETS.own, (family) => ["iifname", addressField(family, "saddr")]);
  const discovery = LINK_LOCAL.flatMap((cidr) =>
    OF_A_POD.map((types) => rule(ACCEPT, { kind: "source", cidr }, { kind: "icmp", family: 6, types })),
  );
  const rules = [...own.map((match) => rule(ACCEPT, match)), ...discovery, drop("not the pod's own address")];
  return chain(FROM_POD, "a pod sends from its own addresses only", ...rules);
}

/** Of a host that policies select. Its failsafe ports come first. */
export function hostChains(host: NodeHost, failsafePorts: readonly number[]): NftChain[] {
  const failsafe = failsafePorts.map((port) => ({
    ...rule(ACCEPT, { kind: "ports", protocol: "tcp", first: port, last: port }),
    comment: "failsafe",
  }));
  return DIRECTIONS.flatMap((direction) => {
    const policies = host[direction];
    if (!policies) return [];
    const name = HOST_CHAINS[direction];
    return [chain(name, "policies on this host", ...failsafe, ...tryAll(name, policies))];
  });
}
