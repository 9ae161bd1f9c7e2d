// What stands in the kernel, as far as a plan must know it: of sets their elements, of chains the form of their rules.
import { elementsOf, type NftObject, type RawElement } from "./decode.ts";
import { expressionsOf } from "./expressions.ts";
import { keyText } from "./key-text.ts";
import { MARK } from "./mark.ts";
import { type Element, type NftChain, type NftSet, type Ruleset, TABLE } from "./types.ts";

export type Standing = {
  readonly sets: ReadonlyMap<string, NftSet>;
  /** By name, the forms of its rules one after the other. */
  readonly chains: ReadonlyMap<string, string>;
};
export type Observed =
  | { readonly kind: "none" }
  /** A table of our name that is not ours. */
  | { readonly kind: "foreign"; readonly comment: string }
  | { readonly kind: "ours"; readonly standing: Standing };

/** Of a chain that did not change it is made once. */
const forms = new WeakMap<NftChain, string>();

export function chainForm(chain: NftChain): string {
  const form =
    forms.get(chain) ??
    chain.rules.map((rule) => JSON.stringify([expressionsOf(rule), rule.comment])).join("\n");
  forms.set(chain, form);
  return form;
}

/** After a plan for it was applied. */
export const standingOf = ({ sets, chains }: Ruleset): Standing => ({
  sets,
  chains: new Map([...chains].map(([name, chain]) => [name, chainForm(chain)])),
});

/** From all that dumps told, rules in their order. Objects of other tables are passed over. */
export function observedOf(objects: readonly NftObject[]): Observed {
  const table = objects.find((each) => each.kind === "table" && each.name === TABLE);
  if (table?.kind !== "table") return { kind: "none" };
  if (table.comment !== MARK) return { kind: "foreign", comment: table.comment };
  const raw = new Map<string, RawElement[]>();
  const rules = new Map<string, string[]>();
  const sets = new Map<string, NftSet>();
  for (const each of objects) {
    if (each.kind === "elements") push(raw, each.set, each.elements);
    else if (each.table !== TABLE) continue;
    else if (each.kind === "chain") push(rules, each.name, []);
    else if (each.kind === "rule") push(rules, each.chain, [each.form]);
    else if (each.kind === "set") sets.set(each.name, { ...each, comment: "", elements: new Map() });
  }
  for (const [name, set] of sets) sets.set(name, { ...set, elements: keyed(raw.get(name) ?? [], set) });
  const chains = new Map([...rules].map(([name, list]) => [name, list.join("\n")]));
  return { kind: "ours", standing: { sets, chains } };
}

function push<T>(lists: Map<string, T[]>, name: string, more: readonly T[]): void {
  const list = lists.get(name) ?? [];
  for (const each of more) list.push(each);
  lists.set(name, list);
}

const keyed = (raw: readonly RawElement[], { key, interval }: NftSet): Map<string, Element> =>
  new Map(elementsOf(raw, key, interval).map((each) => [keyText(each.key), each]));

/** Somebody put an interval in that is no prefix: it cannot be deleted as one of ours. */
export const isGarbled = ({ interval, elements }: NftSet): boolean =>
  interval && [...elements.values()].some(({ key }) => key.length > 1);
