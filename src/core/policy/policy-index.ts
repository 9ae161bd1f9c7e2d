// The world of policies, and what of it each node needs, kept right change by change. What a node is told depends on the
// world as it is, never on how it became so: the same world reached in any order gives the same answer.
import type { Cidr } from "../net/cidr.ts";
import type { NodeDelta, NodePolicy } from "../model/node-policy.ts";
import type { Policy, PolicyBlock, PolicyHost, PolicyPod, PolicyTenant } from "../model/policy.ts";
import {
  addPolicy,
  type AssignedPolicy,
  concernsTenant,
  createAssignments,
  removePolicy,
  selectedBy,
} from "./assignments.ts";
import type { Member } from "./cells.ts";
import { encodePolicy } from "./codec.ts";
import { closeView, type IndexState, nodePolicyOf, openView, refreshHost } from "./host-views.ts";
import { takeChange } from "./member-set.ts";
import { addTo, type MultiMap } from "./multi-map.ts";
import { changeHost, changePod, changeTenant, createSetWorld, deleteBlock, putBlock } from "./set-world.ts";

/** Puts make or replace. What a change refers to needs not be there (yet). */
export type WorldChange =
  | { readonly kind: "put-policy"; readonly policy: Policy }
  | { readonly kind: "put-tenant"; readonly tenant: PolicyTenant }
  | { readonly kind: "put-pod"; readonly pod: PolicyPod }
  | { readonly kind: "put-host"; readonly host: PolicyHost }
  | { readonly kind: "put-block"; readonly block: PolicyBlock }
  | { readonly kind: "delete-policy" | "delete-tenant" | "delete-pod" | "delete-host"; readonly id: string }
  | { readonly kind: "delete-block"; readonly cidr: Cidr };

export type PolicyIndex = {
  /**
   * By host: what to change at those nodes that are concerned and were asked for with `nodePolicy`. The more changes at once, the less
   * work; while nobody was asked for there is the least.
   */
  apply(changes: Iterable<WorldChange>): ReadonlyMap<string, NodeDelta>;
  /** All that a node needs. From now on `apply` says what changes in it. */
  nodePolicy(host: string): NodePolicy;
  /** Until it is asked for again. */
  forget(host: string): void;
};

export function createPolicyIndex(): PolicyIndex {
  const state: IndexState = {
    ...{ world: createSetWorld(), assignments: createAssignments(), views: new Map() },
  };
  return {
    apply(changes) {
      const touched: Touched = { hosts: new Set(), pods: new Map() };
      for (const change of changes) applyChange(state, change, touched);
      return collect(state, touched);
    },
    nodePolicy: (host) => nodePolicyOf(state.views.get(host) ?? openView(state, host)),
    forget: (host) => closeView(state, host),
  };
}

/** Hosts to look at, and pods by their host. */
type Touched = { readonly hosts: Set<string>; readonly pods: MultiMap<string> };

// long: one case for each kind of change
function applyChange(state: IndexState, change: WorldChange, touched: Touched): void {
  const { world } = state;
  switch (change.kind) {
    case "put-policy":
      return changePolicy(state, change.policy.id, change.policy, touched);
    case "delete-policy":
      return changePolicy(state, change.id, undefined, touched);
    case "put-pod":
      return movePod(state, change.pod.id, change.pod, touched);
    case "delete-pod":
      return movePod(state, change.id, undefined, touched);
    case "put-tenant":
      return relabelTenant(state, change.tenant.name, change.tenant, touched);
    case "delete-tenant":
      return relabelTenant(state, change.id, undefined, touched);
    case "put-host":
      touched.hosts.add(change.host.name);
      return changeHost(world, change.host.name, change.host);
    case "delete-host":
      touched.hosts.add(change.id);
      return changeHost(world, change.id, undefined);
    case "put-block":
      return putBlock(world, change.block);
    case "delete-block":
      return deleteBlock(world, change.cidr);
  }
}

/** Hosts with pods of the policy get its new chain. Pods change only where they go in or out, unless they name other chains now. */
function changePolicy(state: IndexState, id: string, policy: Policy | undefined, touched: Touched): void {
  const { assignments, world, views } = state;
  const known = assignments.policies.get(id);
  // Kubernetes tells of every object again and again.
  if (known && policy && encodePolicy(known.policy) === encodePolicy(policy)) return;
  const before = removePolicy(assignments, id);
  const after = policy && addPolicy(assignments, policy);
  if (views.size === 0) return;
  if (before?.isOfHosts || after?.isOfHosts) for (const name of world.hosts.keys()) touched.hosts.add(name);
  const were = before ? selectedBy(before, world) : new Set<Member>();
  const are = after ? selectedBy(after, world) : new Set<Member>();
  const isSame = namesSameChain(before, after);
  for (const member of [...were, ...are]) {
    touched.hosts.add(member.pod.host);
    if (!isSame || were.has(member) !== are.has(member)) addTo(touched.pods, member.pod.host, member.pod.id);
  }
}

const namesSameChain = (a: AssignedPolicy | undefined, b: AssignedPolicy | undefined): boolean =>
  a?.policy.direction === b?.policy.direction && a?.hasNumbers === false && b?.hasNumbers === false;

function movePod(state: IndexState, id: string, pod: PolicyPod | undefined, touched: Touched): void {
  touchPods(state, [id], touched);
  changePod(state.world, id, pod);
  touchPods(state, [id], touched);
}

function relabelTenant(
  state: IndexState,
  name: string,
  tenant: PolicyTenant | undefined,
  touched: Touched,
): void {
  const { world, assignments } = state;
  const isConcerned = concernsTenant(assignments, name, tenant, world.labelsOf);
  changeTenant(world, name, tenant);
  if (!isConcerned) return;
  for (const member of world.byTenant.get(name) ?? []) touchPods(state, [member.pod.id], touched);
}

function touchPods({ world }: IndexState, ids: readonly string[], { hosts, pods }: Touched): void {
  for (const id of ids) {
    const host = world.members.get(id)?.pod.host ?? "";
    hosts.add(host);
    addTo(pods, host, id);
  }
}

function collect(state: IndexState, { hosts, pods }: Touched): Map<string, NodeDelta> {
  const deltas = new Map<string, NodeDelta>();
  for (const name of hosts) {
    const view = state.views.get(name);
    if (view) deltas.set(name, refreshHost(state, view, pods.get(name) ?? []));
  }
  addElements(state, deltas);
  for (const [name, delta] of deltas) if (isEmpty(delta)) deltas.delete(name);
  return deltas;
}

/** What came and went in sets, to the hosts that had them before. */
function addElements({ world }: IndexState, deltas: Map<string, NodeDelta>): void {
  for (const set of world.changed) {
    const change = takeChange(set);
    if (!change) continue;
    for (const name of set.users) {
      const delta = deltas.get(name) ?? noDelta;
      const isNew = delta.sets.put.some((put) => put.name === set.name);
      if (!isNew) deltas.set(name, { ...delta, elements: [...delta.elements, change] });
    }
  }
  world.changed.clear();
}

const nothing = { put: [], delete: [] };
const noDelta: NodeDelta = {
  ...{ host: undefined, pods: nothing, chains: nothing, sets: nothing, elements: [] },
};

const isEmpty = ({ host, pods, chains, sets, elements }: NodeDelta): boolean =>
  !host &&
  elements.length === 0 &&
  [pods, chains, sets].every((changes) => changes.put.length === 0 && changes.delete.length === 0);
