// A set and who is in it now. It is told what a part of the world gave to it before and gives after a change; what came and
// went since it was last asked, net, is what goes to the nodes.
import { containsIp } from "../net/cidr.ts";
import type { NodeSet, SetChange, SetElement } from "../model/node-policy.ts";
import { type Peer, type PolicyPod, SEGMENT_LABEL, type TenantSelector } from "../model/policy.ts";
import type { Cell, Keyed, Member, Owner } from "./cells.ts";
import { type LabelsOf, matchesLabels, selectsPod, selectsTenant } from "./select.ts";
import { describeSet, elementKey, isPerHost, type SetSpec } from "./set-spec.ts";
import { hostTrigger, peerTriggers, selectorTriggers } from "./triggers.ts";

export type MemberSet = {
  readonly name: string;
  /** The name, or name and host where each host has its own. */
  readonly key: string;
  /** Names of the hosts that have it. */
  readonly users: Set<string>;
  readonly spec: SetSpec;
  readonly membership: Membership;
  /** Not to be changed while `snapshot` shows it. */
  elements: Map<string, SetElement>;
  /** How often more than once an element was given: by pods that claim one address for a moment. */
  readonly extra: Map<string, number>;
  /** Since the last `takeChange`. */
  readonly added: Map<string, SetElement>;
  readonly removed: Map<string, SetElement>;
  /** What was handed out last, until the next change. */
  snapshot: NodeSet | undefined;
};

/** How pods get into a set: through the cells of their addresses (whole blocks where that is exact), or each for itself. */
export type Membership =
  | (Reach & {
      readonly kind: "cells";
      matches(pod: PolicyPod): boolean;
      /** Whether all pods that the block is for are meant. */
      covers(owner: Owner): boolean;
    })
  | (Reach & { readonly kind: "pods"; elementsOf(member: Member): readonly Keyed[] })
  /** The set does not depend on pods. */
  | { readonly kind: "none" };
export type Reach = {
  /** Under which the set is found for a pod. */
  readonly triggers: readonly string[];
  /** Selectors of tenants that decide; the set may change when the labels of a tenant do. */
  readonly tenants: readonly TenantSelector[];
  /** Who may be in it at all: pods of these tenants, of a host, or any. */
  readonly within: "tenants" | "all" | { readonly host: string };
};

export function createMemberSet(name: string, spec: SetSpec, host: string, labelsOf: LabelsOf): MemberSet {
  return {
    ...{ name, spec, key: setKey(name, spec, host), users: new Set() },
    ...{ membership: membershipOf(spec, host, labelsOf), snapshot: undefined },
    ...{ elements: new Map(), extra: new Map(), added: new Map(), removed: new Map() },
  };
}

export const setKey = (name: string, spec: SetSpec, host: string): string =>
  isPerHost(spec) ? `${name}@${host}` : name;

function membershipOf(spec: SetSpec, host: string, labelsOf: LabelsOf): Membership {
  switch (spec.kind) {
    case "hosts":
    case "cidrs":
      return { kind: "none" };
    case "local":
      return {
        ...{ kind: "cells", triggers: [hostTrigger(host)], tenants: [], within: { host } },
        matches: (pod) => pod.host === host,
        covers: (owner) => owner.host === host,
      };
    case "endpoints":
      return {
        ...{ kind: "pods", triggers: spec.peers.flatMap(peerTriggers), tenants: tenantsOf(spec.peers) },
        within: spec.peers.every(({ kind }) => kind === "pods") ? "tenants" : "all",
        elementsOf: (member) => endpointsOf(spec, member, host, labelsOf),
      };
    case "pods":
      return podMembership(spec, labelsOf);
  }
}

const tenantsOf = (peers: readonly Peer[]): TenantSelector[] =>
  peers.flatMap((peer) => (peer.kind === "pods" ? [peer.selector.tenants] : []));

/** Only where nothing but tenant and segment is asked for, a block says of all its pods whether they are meant. */
function podMembership({ selector }: Extract<SetSpec, { kind: "pods" }>, labelsOf: LabelsOf): Membership {
  const { tenants, labels } = selector;
  const common = { triggers: selectorTriggers(selector), tenants: [tenants], within: "tenants" } as const;
  const matches = (pod: PolicyPod): boolean => selectsPod(selector, pod, labelsOf);
  if (labels.some(({ key }) => key !== SEGMENT_LABEL))
    return {
      kind: "pods",
      ...common,
      elementsOf: ({ pod, addresses }) => (matches(pod) ? addresses : []),
    };
  const covers = (owner: Owner): boolean =>
    selectsTenant(tenants, owner.tenant, labelsOf) && matchesLabels(labels, owner.labels);
  return { kind: "cells", ...common, matches, covers };
}

function endpointsOf(
  { peers, protocol, port }: Extract<SetSpec, { kind: "endpoints" }>,
  { pod, addresses }: Member,
  host: string,
  labelsOf: LabelsOf,
): Keyed[] {
  const numbers = pod.ports.filter((each) => each.name === port && each.protocol === protocol);
  if (numbers.length === 0) return [];
  const meant = addresses.filter((address) =>
    peers.some((peer) => isMeant(peer, pod, address, host, labelsOf)),
  );
  return meant.flatMap(({ element }) =>
    [...new Set(numbers.map((each) => each.port))].map((number) => {
      const endpoint = { cidr: element.cidr, port: number };
      return { key: elementKey(endpoint), element: endpoint };
    }),
  );
}

function isMeant(peer: Peer, pod: PolicyPod, { element }: Keyed, host: string, labelsOf: LabelsOf): boolean {
  const { ip } = element.cidr;
  switch (peer.kind) {
    case "any":
      return true;
    case "hosts":
      return false;
    case "local":
      return pod.host === host;
    case "pods":
      return selectsPod(peer.selector, pod, labelsOf);
    case "cidr":
      return containsIp(peer.cidr, ip) && !peer.except.some((cidr) => containsIp(cidr, ip));
  }
}

/** A part of the world: the cells, and the pods, that a change touches. */
export type Scope = { readonly cells: Iterable<Cell>; readonly members: Iterable<Member> };

/** What the part gives to the set now. Pushed one by one, as there may be very many. */
export function given({ membership }: MemberSet, { cells, members }: Scope): Keyed[] {
  const elements: Keyed[] = [];
  if (membership.kind === "pods")
    for (const member of members) for (const each of membership.elementsOf(member)) elements.push(each);
  if (membership.kind === "cells")
    for (const cell of cells) for (const each of givenByCell(membership, cell)) elements.push(each);
  return elements;
}

function givenByCell(membership: Extract<Membership, { kind: "cells" }>, { block, members }: Cell): Keyed[] {
  const meant: Keyed[] = [];
  for (const [address, pod] of members) if (membership.matches(pod)) meant.push(address);
  return block && meant.length === members.size && membership.covers(block.owner) ? [block] : meant;
}

/** Of a new set: all that it has. Nobody has to be told what came, as nobody has the set. */
export function fillSet(set: MemberSet, all: Iterable<Keyed>): void {
  for (const { key, element } of all) {
    const size = set.elements.size;
    set.elements.set(key, element);
    // Looked up once only: a set may be large.
    if (set.elements.size === size) set.extra.set(key, (set.extra.get(key) ?? 0) + 1);
  }
}

/** `after` goes in first, so that what is in both does not leave on the way. */
export function replaceElements(set: MemberSet, before: readonly Keyed[], after: readonly Keyed[]): void {
  for (const { key, element } of after) addElement(set, key, element);
  for (const { key, element } of before) removeElement(set, key, element);
}

function addElement(set: MemberSet, key: string, element: SetElement): void {
  if (set.elements.has(key)) return void set.extra.set(key, (set.extra.get(key) ?? 0) + 1);
  elementsToChange(set).set(key, element);
  if (!set.removed.delete(key)) set.added.set(key, element);
}

function removeElement(set: MemberSet, key: string, element: SetElement): void {
  const more = set.extra.get(key) ?? 0;
  if (more > 1) return void set.extra.set(key, more - 1);
  if (more === 1) return void set.extra.delete(key);
  elementsToChange(set).delete(key);
  if (!set.added.delete(key)) set.removed.set(key, element);
}

/** Copied now, if it was handed out: many a large set is handed out once and does not change for long. */
function elementsToChange(set: MemberSet): Map<string, SetElement> {
  if (set.snapshot) set.elements = new Map(set.elements);
  set.snapshot = undefined;
  return set.elements;
}

/** What came and went since the last call; `undefined` if nothing did. */
export function takeChange({ name, added, removed }: MemberSet): SetChange | undefined {
  if (added.size === 0 && removed.size === 0) return undefined;
  const change = { name, added: [...added.values()], removed: [...removed.values()] };
  added.clear();
  removed.clear();
  return change;
}

export function snapshotOf(set: MemberSet): NodeSet {
  const { name, spec } = set;
  set.snapshot ??= {
    name,
    about: describeSet(spec),
    kind: spec.kind === "endpoints" ? "endpoints" : "addresses",
    elements: set.elements,
  };
  return set.snapshot;
}
