// Whom policies kept out, from what the rules of a node's table have counted. Bounded: never by pod or address.
import { memoize } from "../../base/memoize.ts";
import type { NodePolicy } from "../model/node-policy.ts";
import type { Direction } from "../model/policy.ts";
import type { RuleCount } from "../nft/decode-count.ts";
import { HOST_CHAINS } from "./base-chains.ts";
import { DIRECTIONS, policySetName } from "./ruleset-words.ts";

/** `policies`: ids of those that isolate, of which none allowed it; those that are one too many are told together, as `OTHERS`. */
export type Denial = { readonly direction: Direction; readonly policies: string; readonly packets: number };

const OTHERS = "(others)";

/** At most `most` and one more a direction, those with the most packets. */
export function denialsOf(policy: NodePolicy, counts: readonly RuleCount[], most: number): readonly Denial[] {
  const lists = listsOf(policy);
  const sums = new Map<string, Denial>();
  const add = ({ direction, policies, packets }: Denial): void => {
    const key = `${direction} ${policies}`;
    sums.set(key, { direction, policies, packets: packets + (sums.get(key)?.packets ?? 0) });
  };
  for (const { chain, packets } of counts) {
    const list = lists.get(chain);
    if (list) add({ ...list, packets });
  }
  const all = [...sums.values()].sort((a, b) => b.packets - a.packets);
  for (const { direction, policies, packets } of all.slice(most)) {
    sums.delete(`${direction} ${policies}`);
    add({ direction, policies: OTHERS, packets });
  }
  return [...sums.values()];
}

/** By the chain that ends in a drop. */
export const listsOf = memoize(makeLists);

function makeLists({ host, pods, chains }: NodePolicy): ReadonlyMap<string, Omit<Denial, "packets">> {
  const lists = new Map<string, Omit<Denial, "packets">>();
  const note = (name: string, direction: Direction, names: readonly string[]): void => {
    const ids = names.map((each) => chains.get(each)?.policy ?? each);
    lists.set(name, { direction, policies: [...new Set(ids)].join(",") });
  };
  for (const direction of DIRECTIONS) {
    if (host[direction]) note(HOST_CHAINS[direction], direction, host[direction]);
    for (const pod of new Set([...pods.values()].map((each) => each[direction])))
      if (pod) note(policySetName(direction, pod), direction, pod);
  }
  return lists;
}
