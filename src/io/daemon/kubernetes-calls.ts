// The part of the daemon's client that tells it of Kubernetes. Lists are put and removed whole, in several transactions: what failed in the
// middle is told again.
import type {
  KubernetesPolicies,
  KubernetesPoliciesReply,
  PodList,
  PodsRequest,
  TenantsRequest,
} from "../../core/api/kubernetes.ts";
import type { PolicyList } from "../../core/api/policies.ts";
import type { TenantList } from "../../core/api/types.ts";

/** Errors as of `DaemonClient`. */
export interface KubernetesCalls {
  pods(): Promise<PodList["pods"]>;
  putPods(body: PodsRequest): Promise<unknown>;
  tenants(): Promise<TenantList["tenants"]>;
  putTenants(body: TenantsRequest): Promise<unknown>;
  /** Of all policies, whoever put them. */
  policyIds(): Promise<readonly string[]>;
  putKubernetesPolicies(body: KubernetesPolicies): Promise<KubernetesPoliciesReply>;
}

type Ask = <Reply>(method: "GET" | "POST", path: string, body?: unknown) => Promise<Reply>;

export const kubernetesCalls = (ask: Ask): KubernetesCalls => ({
  pods: async () => (await ask<PodList>("GET", "/pods")).pods,
  putPods: (body) => ask("POST", "/pods", body),
  tenants: async () => (await ask<TenantList>("GET", "/tenants")).tenants,
  putTenants: (body) => ask("POST", "/tenants", body),
  policyIds: async () => (await ask<PolicyList>("GET", "/policies")).map(({ id }) => id),
  putKubernetesPolicies: (body) => ask("POST", "/policies/kubernetes", body),
});
