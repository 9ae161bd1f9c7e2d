// Which policies select which pods and hosts. Worked out when it is asked for, as most pods are on nodes that nobody asks for here: a list for
// each pod would cost more memory than the pods.
import { containsIp } from "../net/cidr.ts";
import type { Policy, PolicyTenant, Subject } from "../model/policy.ts";
import type { Member } from "./cells.ts";
import { type Compiled, compilePolicy, hasNumbers, portNumbers } from "./compile.ts";
import { type LabelsOf, selectsPod, selectsTenant } from "./select.ts";
import type { SetWorld } from "./set-world.ts";
import { subjectTriggers, triggerIndex, type TriggerIndex, triggersOf } from "./triggers.ts";

export type AssignedPolicy = {
  readonly policy: Policy;
  readonly triggers: readonly string[];
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
  /** Policies that select hosts. */
  readonly ofHosts: Set<AssignedPolicy>;
};

export const createAssignments = (): Assignments => ({
  ...{ policies: new Map(), index: triggerIndex(), ofHosts: new Set() },
});

/** The policy as it was. */
export function removePolicy(assignments: Assignments, id: string): AssignedPolicy | undefined {
  const { policies, index, ofHosts } = assignments;
  const assigned = policies.get(id);
  if (!assigned) return undefined;
  policies.delete(id);
  index.delete(assigned.triggers, assigned);
  ofHosts.delete(assigned);
  return assigned;
}

export function addPolicy({ policies, index, ofHosts }: Assignments, policy: Policy): AssignedPolicy {
  const assigned: AssignedPolicy = {
    policy,
    triggers: [...new Set(policy.subjects.flatMap(subjectTriggers))],
    isOfHosts: policy.subjects.some(({ kind }) => kind === "hosts"),
    ...{ chains: new Map(), hasNumbers: hasNumbers(policy) },
  };
  policies.set(policy.id, assigned);
  index.add(assigned.triggers, assigned);
  if (assigned.isOfHosts) ofHosts.add(assigned);
  return assigned;
}

/** The pods that it selects, as the world is now. */
export function selectedBy(assigned: AssignedPolicy, world: SetWorld): Set<Member> {
  const selected = new Set<Member>();
  for (const member of candidates(world, assigned.policy.subjects))
    if (selects(assigned, member, world.labelsOf)) selected.add(member);
  return selected;
}

/** The policies that select the pod, as the world is now. */
export function policiesOf({ index }: Assignments, member: Member, labelsOf: LabelsOf): AssignedPolicy[] {
  return [...index.find(triggersOf(member.pod, labelsOf))].filter((each) => selects(each, member, labelsOf));
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
