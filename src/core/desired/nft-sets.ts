// The sets that policies name, as sets of nftables: one of each family.
import { keyText } from "../nft/key-text.ts";
import { commentOf } from "../nft/mark.ts";
import type { Element, KeyType, KeyValue, NftSet } from "../nft/types.ts";
import type { NodeSet } from "../model/node-policy.ts";
import type { Family } from "../net/ip.ts";
import { ADDRESS, FAMILIES, familyName } from "./ruleset-words.ts";

type Content = {
  readonly name: string;
  readonly comment: string;
  readonly family: Family;
  readonly key: readonly KeyType[];
  readonly entries: readonly (readonly [key: readonly KeyValue[], chain?: string])[];
  readonly interval?: boolean;
  readonly isMap?: boolean;
};

export function nftSet({
  name,
  comment,
  family,
  key,
  entries,
  interval = false,
  isMap = false,
}: Content): NftSet {
  const elements = new Map<string, Element>();
  for (const [key, chain] of entries) elements.set(keyText(key), { key, chain });
  return { name: familyName(name, family), comment: commentOf(comment), key, interval, isMap, elements };
}

/** By the set that they were made of: a large set that did not change costs nothing, and is the same object as before. */
const made = new WeakMap<NodeSet, readonly NftSet[]>();

export function setsOf(set: NodeSet): readonly NftSet[] {
  const known = made.get(set);
  if (known) return known;
  const sets = FAMILIES.map((family) => setOfFamily(set, family));
  made.set(set, sets);
  return sets;
}

function setOfFamily({ name, about, kind, elements }: NodeSet, family: Family): NftSet {
  const mine = [...elements.values()].filter(({ cidr }) => cidr.ip.family === family);
  const common = { name, comment: about, family };
  if (kind === "addresses")
    return nftSet({
      ...{ ...common, key: [ADDRESS[family]], interval: true },
      entries: mine.map(({ cidr }) => [[cidr]]),
    });
  return nftSet({
    ...{ ...common, key: [ADDRESS[family], "inet_service"] },
    entries: mine.map(({ cidr, port = 0 }) => [[cidr, port]]),
  });
}
