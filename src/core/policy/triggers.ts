// Who might be meant, quickly: an index that finds, for a pod, the few selectors that could select it. A selector is filed
// under one thing that a pod must have for it (or each value of it); a pod is looked up under all that it has.
// Law: a selector that selects a pod is found for it. Finding more costs time only.
import type { Labels, Peer, PodSelector, Requirement, Subject } from "../model/policy.ts";
import type { LabelsOf } from "./select.ts";

export type TriggerIndex<T> = {
  add(triggers: readonly string[], item: T): void;
  delete(triggers: readonly string[], item: T): void;
  find(triggers: Iterable<string>): Set<T>;
};

export function triggerIndex<T>(): TriggerIndex<T> {
  const items = new Map<string, Set<T>>();
  return {
    add(triggers, item) {
      for (const trigger of triggers) {
        const filed = items.get(trigger);
        if (filed) filed.add(item);
        else items.set(trigger, new Set([item]));
      }
    },
    delete(triggers, item) {
      for (const trigger of triggers) {
        const filed = items.get(trigger);
        if (filed?.delete(item) && filed.size === 0) items.delete(trigger);
      }
    },
    find(triggers) {
      const found = new Set<T>();
      for (const trigger of triggers) for (const item of items.get(trigger) ?? []) found.add(item);
      return found;
    },
  };
}

const ALWAYS = "*";
const SEPARATOR = "\0";
const join = (...parts: readonly string[]): string => parts.join(SEPARATOR);
export const hostTrigger = (host: string): string => join("host", host);

export function selectorTriggers({ tenants, labels }: PodSelector): string[] {
  const equality = labels.find(isIn);
  if (tenants.kind === "named")
    return equality
      ? equality.values.map((value) => join("tenant", tenants.name, equality.key, value))
      : [join("tenant", tenants.name)];
  if (equality) return equality.values.map((value) => join("label", equality.key, value));
  const ofTenant = tenants.labels.find(isIn);
  return ofTenant ? ofTenant.values.map((value) => join("tenant-label", ofTenant.key, value)) : [ALWAYS];
}

const isIn = ({ operator }: Requirement): boolean => operator === "In";

export const subjectTriggers = (subject: Subject): string[] =>
  subject.kind === "pods" ? selectorTriggers(subject.selector) : subject.kind === "cidr" ? [ALWAYS] : [];

export const peerTriggers = (peer: Peer): string[] =>
  peer.kind === "pods" ? selectorTriggers(peer.selector) : [ALWAYS];

/** What a pod, or a block for those that may be in it, is looked up under. */
export function* triggersOf(
  { tenant, labels, host }: { readonly tenant: string; readonly labels: Labels; readonly host: string },
  labelsOf: LabelsOf,
): Generator<string> {
  yield ALWAYS;
  yield hostTrigger(host);
  yield join("tenant", tenant);
  for (const [key, value] of Object.entries(labels)) {
    yield join("tenant", tenant, key, value);
    yield join("label", key, value);
  }
  for (const [key, value] of Object.entries(labelsOf(tenant))) yield join("tenant-label", key, value);
}
