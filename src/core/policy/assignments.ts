// Which policies select which pods and hosts, kept right change by change.
import { containsIp } from "../net/cidr.ts";
import type { Policy, PolicyTenant, Subject } from "../model/policy.ts";
import type { Member } from "./cells.ts";
import { type Compiled, compilePolicy, hasNumbers, portNumbers } from "./compile.ts";
import { type LabelsOf, selectsPod, selectsTenant } from "./select.ts";
import { addTo, type MultiMap, removeFrom } from "./multi-map.ts";
import type { SetWorld } from "./set-world.ts";
import { subjectTriggers, triggerIndex, type TriggerIndex, triggersOf } from "./triggers.ts";

export type AssignedPolicy = {
  readonly policy: Policy;
  readonly triggers: readonly string[];
  /** Ids of the pods it selects. */
  readonly pods: Set<string>;
  readonly isOfHosts: boolean;
  readonly hasNumbers: boolean;
  /** By the numbers of the ports it names; one where it names none. */
  readonly chains: Map<string, ChainState>;
};
export type ChainState = Compiled & {
  /** Of `chains`. */
  readonly key: string;
  readonly owner: AssignedPolicy;
  /** How many hosts have it. */
  users: number;
};

export type Assignments = {
  readonly policies: Map<string, AssignedPolicy>;
  readonly index: TriggerIndex<AssignedPolicy>;
  /** By pod id: the policies that select it. */
  readonly byPod: MultiMap<AssignedPolicy>;
  /** Policies that select hosts. */
  readonly ofHosts: Set<AssignedPolicy>;
};

export const createAssignments = (): Assignments => ({
  ...{ policies: new Map(), index: triggerIndex(), byPod: new Map(), ofHosts: new Set() },
});

/** The policy as it was. */
export function removePolicy(assignments: Assignments, id: string): AssignedPolicy | undefined {
  const { policies, index, byPod, ofHosts } = assignments;
  const assigned = policies.get(id);
  if (!assigned) return undefined;
  policies.delete(id);
  index.delete(assigned.triggers, assigned);
  ofHosts.delete(assigned);
  for (const pod of assigned.pods) removeFrom(byPod, pod, assigned);
  return assigned;
}

export function addPolicy(assignments: Assignments, world: SetWorld, policy: Policy): AssignedPolicy {
  const { policies, index, ofHosts } = assignments;
  const assigned: AssignedPolicy = {
    policy,
    triggers: [...new Set(policy.subjects.flatMap(subjectTriggers))],
    isOfHosts: policy.subjects.some(({ kind }) => kind === "hosts"),
    ...{ pods: new Set(), chains: new Map(), hasNumbers: hasNumbers(policy) },
  };
  policies.set(policy.id, assigned);
  index.add(assigned.triggers, assigned);
  if (assigned.isOfHosts) ofHosts.add(assigned);
  for (const member of candidates(world, policy.subjects))
    if (selects(assigned, member, world.labelsOf)) assign(assignments, assigned, member.pod.id);
  return assigned;
}

/** Members whom the subjects may mean: those of the tenants, where all are named. */
function candidates({ byTenant, members }: SetWorld, subjects: readonly Subject[]): Iterable<Member> {
  const names = subjects.map((subject) =>
    subject.kind === "pods" && subject.selector.tenants.kind === "named"
      ? subject.selector.tenants.name
      : undefined,
  );
  if (names.includes(undefined)) return members.values();
  return new Set(names.flatMap((name) => [...(byTenant.get(name ?? "") ?? [])]));
}

function selects({ policy }: AssignedPolicy, { pod, addresses }: Member, labelsOf: LabelsOf): boolean {
  return policy.subjects.some((subject) => {
    if (subject.kind === "pods") return selectsPod(subject.selector, pod, labelsOf);
    return (
      subject.kind === "cidr" && addresses.some(({ element }) => containsIp(subject.cidr, element.cidr.ip))
    );
  });
}

function assign({ byPod }: Assignments, assigned: AssignedPolicy, id: string): void {
  assigned.pods.add(id);
  addTo(byPod, id, assigned);
}

/** After a change of the pod, or of its tenant. `member` `undefined`: it is gone. */
export function reassignPod(
  assignments: Assignments,
  id: string,
  member: Member | undefined,
  labelsOf: LabelsOf,
): void {
  const { index, byPod } = assignments;
  for (const state of byPod.get(id) ?? []) state.pods.delete(id);
  byPod.delete(id);
  if (!member) return;
  for (const state of index.find(triggersOf(member.pod, labelsOf)))
    if (selects(state, member, labelsOf)) assign(assignments, state, id);
}

/** Whether other labels of the tenant may change whom a policy selects. */
export function concernsTenant(
  { policies }: Assignments,
  name: string,
  tenant: PolicyTenant | undefined,
  before: LabelsOf,
): boolean {
  const after: LabelsOf = () => tenant?.labels ?? {};
  return [...policies.values()].some(({ policy }) =>
    policy.subjects.some(
      (subject) =>
        subject.kind === "pods" &&
        subject.selector.tenants.kind === "labelled" &&
        selectsTenant(subject.selector.tenants, name, before) !==
          selectsTenant(subject.selector.tenants, name, after),
    ),
  );
}

/** The policy's chain for the pod; for a host with `undefined`, which has no names for ports. */
export function chainFor(state: AssignedPolicy, member: Member | undefined): ChainState {
  const numbers = state.hasNumbers && member ? portNumbers(state.policy, member.pod) : [];
  const key = numbers.length === 0 ? "" : JSON.stringify(numbers);
  const known = state.chains.get(key);
  if (known) return known;
  const chain = { ...compilePolicy(state.policy, numbers), key, owner: state, users: 0 };
  state.chains.set(key, chain);
  return chain;
}
