// From one ruleset to another, as one transaction: sets and maps by element, a chain only when its rules change. What is named must
// be there before it is named, and is removed after: so the order is sets and chains, rules, elements, then removals.
import { chainForm, isGarbled, type Standing } from "./standing.ts";
import type { Element, NftChain, NftSet, Ruleset } from "./types.ts";

export type NftChange =
  /** Deleted with all that is in it. */
  | { readonly kind: "table-add" | "table-delete" }
  | { readonly kind: "set-add" | "set-delete"; readonly set: NftSet }
  | { readonly kind: "chain-add" | "rules-add"; readonly chain: NftChain }
  /** By name. */
  | { readonly kind: "chain-delete" | "rules-delete"; readonly chain: string }
  /** All of them, whatever they are. */
  | { readonly kind: "elements-flush"; readonly set: NftSet }
  | {
      readonly kind: "elements-delete" | "elements-add";
      readonly set: NftSet;
      readonly elements: readonly Element[];
    };

/** `before` is `undefined` where there is no table. A set or base chain of one name is of one kind for ever. */
export function planRuleset(desired: Ruleset, before: Standing | undefined): NftChange[] {
  const { sets, chains } = before ?? nothing;
  const newSets = missing(desired.sets, sets);
  const newChains = missing(desired.chains, chains);
  const other = [...desired.chains.values()].filter((chain) => isOther(chain, chains.get(chain.name)));
  const oldChains = [...chains.keys()].filter((name) => !desired.chains.has(name));
  return [
    ...(before ? [] : [{ kind: "table-add" } as const]),
    ...newSets.map((set): NftChange => ({ kind: "set-add", set })),
    ...newChains.map((chain): NftChange => ({ kind: "chain-add", chain })),
    ...other.flatMap((chain) => replaceRules(chain, chains.has(chain.name))),
    ...[...desired.sets.values()].flatMap((set) => elementChanges(set, sets.get(set.name))),
    ...elementsOfMapsGone(sets, desired.sets),
    ...oldChains.map((chain): NftChange => ({ kind: "rules-delete", chain })),
    ...oldChains.map((chain): NftChange => ({ kind: "chain-delete", chain })),
    ...missing(sets, desired.sets).map((set): NftChange => ({ kind: "set-delete", set })),
  ];
}

const nothing: Standing = { sets: new Map(), chains: new Map() };

function missing<T>(from: ReadonlyMap<string, T>, than: ReadonlyMap<string, unknown>): T[] {
  const list: T[] = [];
  for (const [name, value] of from) if (!than.has(name)) list.push(value);
  return list;
}

const isOther = (chain: NftChain, before = ""): boolean => chainForm(chain) !== before;

const replaceRules = (chain: NftChain, isThere: boolean): NftChange[] => [
  ...(isThere ? [{ kind: "rules-delete", chain: chain.name } as const] : []),
  { kind: "rules-add", chain },
];

/** First what goes: prefixes of one set must not overlap at any time. */
function elementChanges(set: NftSet, before: NftSet | undefined): NftChange[] {
  if (set === before) return [];
  if (before && isGarbled(before))
    return [{ kind: "elements-flush", set }, ...elements("elements-add", set, [...set.elements.values()])];
  return [
    ...elements("elements-delete", set, before ? elementsOf(before, set) : []),
    ...elements("elements-add", set, elementsOf(set, before)),
  ];
}

/** Those that are not in the other. */
function elementsOf(set: NftSet, other: NftSet | undefined): Element[] {
  const list: Element[] = [];
  for (const [key, element] of set.elements) {
    const there = other?.elements.get(key);
    if (there?.chain !== element.chain || !there) list.push(element);
  }
  return list;
}

const elements = (
  kind: "elements-delete" | "elements-add",
  set: NftSet,
  list: readonly Element[],
): NftChange[] => (list.length === 0 ? [] : [{ kind, set, elements: list }]);

/** A map holds on to its chains, which go before it. */
const elementsOfMapsGone = (sets: Ruleset["sets"], desired: Ruleset["sets"]): NftChange[] =>
  missing(sets, desired)
    .filter(({ isMap }) => isMap)
    .flatMap((set) => elements("elements-delete", set, [...set.elements.values()]));
