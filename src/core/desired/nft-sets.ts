// The sets that policies name, as sets of nftables: one of each family.
import { memoize } from "../../base/memoize.ts";
import { keyText } from "../nft/key-text.ts";
import { commentOf } from "../nft/mark.ts";
import type { Element, KeyType, KeyValue, NftSet } from "../nft/types.ts";
import type { NodePolicy, NodeSet } from "../model/node-policy.ts";
import type { Family } from "../net/ip.ts";
import { ADDRESS, familyName } from "./ruleset-words.ts";

/** An element under the text of its key. */
export type Entry = readonly [text: string, element: Element];
export const entryOf = (...key: readonly KeyValue[]): Entry => [keyText(key), { key, chain: undefined }];

type Content = {
  readonly name: string;
  readonly comment: string;
  readonly family: Family;
  readonly key: readonly KeyType[];
  readonly entries: readonly Entry[];
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
  const elements = new Map(entries);
  return { name: familyName(name, family), comment: commentOf(comment), key, interval, isMap, elements };
}

/** Of these families. A set that did not change costs nothing, and is the same object as before. */
export const policySets = memoize((families: readonly Family[]) => {
  const setsOf = memoize((set: NodeSet) => families.map((family) => setOfFamily(set, family)));
  return memoize((sets: NodePolicy["sets"]) => [...sets.values()].flatMap(setsOf));
});

function setOfFamily({ name, about, kind, elements }: NodeSet, family: Family): NftSet {
  const mine = [...elements.values()].filter(({ cidr }) => cidr.ip.family === family);
  const common = { name, comment: about, family };
  if (kind === "addresses")
    return nftSet({
      ...{ ...common, key: [ADDRESS[family]], interval: true },
      entries: mine.map(({ cidr }) => entryOf(cidr)),
    });
  return nftSet({
    ...{ ...common, key: [ADDRESS[family], "inet_service"] },
    entries: mine.map(({ cidr, port = 0 }) => entryOf(cidr, port)),
  });
}
