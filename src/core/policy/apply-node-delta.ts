// What an agent does with what it is told: deltas, in order, on top of a whole, give the next whole.
import type { Changes, NodeDelta, NodePolicy, NodeSet, SetChange } from "../model/node-policy.ts";
import { elementKey } from "./set-spec.ts";

export function applyNodeDelta(policy: NodePolicy, delta: NodeDelta): NodePolicy {
  const sets = changed(policy.sets, delta.sets, ({ name }) => name);
  return {
    host: delta.host ?? policy.host,
    pods: changed(policy.pods, delta.pods, ({ id }) => id),
    chains: changed(policy.chains, delta.chains, ({ name }) => name),
    sets: delta.elements.reduce(withElements, sets),
  };
}

function changed<T>(
  before: ReadonlyMap<string, T>,
  changes: Changes<T>,
  keyOf: (value: T) => string,
): ReadonlyMap<string, T> {
  if (changes.put.length === 0 && changes.delete.length === 0) return before;
  const after = new Map(before);
  for (const key of changes.delete) after.delete(key);
  for (const value of changes.put) after.set(keyOf(value), value);
  return after;
}

function withElements(
  sets: ReadonlyMap<string, NodeSet>,
  { name, added, removed }: SetChange,
): ReadonlyMap<string, NodeSet> {
  const set = sets.get(name);
  if (!set) return sets;
  const elements = new Map(set.elements);
  for (const element of removed) elements.delete(elementKey(element));
  for (const element of added) elements.set(elementKey(element), element);
  return new Map(sets).set(name, { ...set, elements });
}
