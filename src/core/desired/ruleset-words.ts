// Names in the table, and short ways to write what is in it.
import { hashedName } from "../../base/hashed-name.ts";
import type { KeyField, KeyType, Match, NftChain, NftRule, Verdict } from "../nft/types.ts";
import type { Direction } from "../model/policy.ts";
import type { Family } from "../net/ip.ts";

export const FAMILIES: readonly Family[] = [4, 6];
export const DIRECTIONS: readonly Direction[] = ["egress", "ingress"];

/** Where a packet goes on that the sender's side allowed: the receiver's side. */
export const INGRESS = "ingress";
/** Sets about the pods of this node, and maps from the addresses of those under policies. */
export const POD_SETS = { own: "own", self: "self", pods: "pods" } as const;
export const POD_MAPS: Readonly<Record<Direction, string>> = { egress: "egress", ingress: "ingress" };
/** The chain of all pods that are under these policies. */
export const policySetName = (direction: Direction, policies: readonly string[]): string =>
  hashedName(direction, policies.join(" "));

/** The set of one family: sets of nftables have one type. */
export const familyName = (name: string, family: Family): string => `${name}.${family}`;
export const ADDRESS: Readonly<Record<Family, KeyType>> = { 4: "ipv4_addr", 6: "ipv6_addr" };
export const addressField = (family: Family, end: "saddr" | "daddr"): KeyField =>
  `${family === 4 ? "ip" : "ip6"} ${end}`;
/** In a set of each of `families`: both, if none are named. */
export const lookups = (
  set: string,
  fields: (family: Family) => readonly KeyField[],
  { isOutside = false, families = FAMILIES }: { isOutside?: boolean; families?: readonly Family[] } = {},
): Match[] =>
  families.map((family) => ({
    ...{ kind: "lookup", fields: fields(family), set: familyName(set, family) },
    ...(isOutside ? { isOutside } : {}),
  }));

export const ACCEPT: Verdict = { kind: "accept" };
export const rule = (verdict: Verdict, ...matches: Match[]): NftRule => ({
  ...{ matches, counter: false, verdict, comment: "" },
});
export const chain = (name: string, comment: string, ...rules: NftRule[]): NftChain => ({
  ...{ name, comment, hook: undefined, rules },
});
export const drop = (comment: string): NftRule => ({ ...rule({ kind: "drop" }), counter: true, comment });

/** Of nflog: who listens there hears of what policies drop. */
export const DENIED_GROUP = 82;
/** However much is dropped, a list of policies tells of no more. */
const TOLD = { perSecond: 10, burst: 20 };

/** The chain of that name: one policy after the other; what none allows is told of, and dropped. */
export const tryAll = (name: string, policies: readonly string[]): NftRule[] => [
  ...policies.map((policy) => rule({ kind: "jump", chain: policy })),
  rule({ kind: "log", group: DENIED_GROUP, prefix: name, ...TOLD }),
  drop("no policy allows it"),
];
