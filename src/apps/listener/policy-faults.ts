// What the daemon does not understand of the NetworkPolicies that are there, as it said when it was told of each.
import type { KubernetesPoliciesReply } from "../../core/api/kubernetes.ts";
import type { PolicyView } from "./read-policy.ts";
import type { ObjectFault } from "./tell-events.ts";

export class PolicyFaults {
  readonly #faults = new Map<string, ObjectFault>();

  /** `told`: of which all faults are in `faults`. */
  note(told: readonly PolicyView[], faults: KubernetesPoliciesReply["faults"]): void {
    for (const { metadata } of told) this.#faults.delete(`${metadata.namespace}/${metadata.name}`);
    for (const { object, field, expected } of faults) {
      // The first of an object says where to look.
      if (this.#faults.has(object)) continue;
      const [namespace = "", name = ""] = object.split("/");
      this.#faults.set(object, {
        object: { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", namespace, name },
        reason: "NotUnderstood",
        message: `${field}: expected ${expected}; what is not understood allows nothing`,
      });
    }
  }

  /** Of policies that are gone nothing is told. */
  present(policies: ReadonlyMap<string, PolicyView>): ObjectFault[] {
    for (const key of this.#faults.keys()) if (!policies.has(key)) this.#faults.delete(key);
    return [...this.#faults.values()];
  }
}
