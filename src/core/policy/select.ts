// Who is meant: labels against requirements, pods against selectors. The only place that knows what an operator means.
import type { Labels, PodSelector, PolicyPod, Requirement, TenantSelector } from "../model/policy.ts";

/** The labels of a tenant; none of one that nobody has told of. */
export type LabelsOf = (tenant: string) => Labels;

export const matchesLabels = (requirements: readonly Requirement[], labels: Labels): boolean =>
  requirements.every((requirement) => holds(requirement, labels));

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

export const selectsTenant = (tenants: TenantSelector, name: string, labelsOf: LabelsOf): boolean =>
  tenants.kind === "named"
    ? tenants.name === name
    : tenants.labels.length === 0 || matchesLabels(tenants.labels, labelsOf(name));

/** Of pods with an address of their own: whoever asks leaves out those on their host's network. */
export const selectsPod = (selector: PodSelector, pod: PolicyPod, labelsOf: LabelsOf): boolean =>
  selectsTenant(selector.tenants, pod.tenant, labelsOf) && matchesLabels(selector.labels, pod.labels);
