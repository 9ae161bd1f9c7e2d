// What policies need to know of Kubernetes, as the daemon is told it: pods, labels of namespaces, NetworkPolicies.
import type { DaemonClient } from "../../io/daemon/daemon-client.ts";
import type { Telling } from "./delivery.ts";
import type { PolicyFaults } from "./policy-faults.ts";
import type { NamespaceView, PolicyView } from "./read-policy.ts";
import type { PodView } from "./read-pod.ts";

export const podTelling = (daemon: DaemonClient): Telling<PodView> => ({
  known: async () => {
    const pods = await daemon.pods();
    return new Map(pods.map(({ labels = {}, ports = [], ...pod }) => [pod.id, { ...pod, labels, ports }]));
  },
  isSame: (a, b) => canonical(a) === canonical(b),
  send: async (put, gone) => void (await daemon.putPods({ put: [...put], delete: [...gone] })),
});

export const tenantTelling = (daemon: DaemonClient): Telling<NamespaceView> => ({
  known: async () => {
    const tenants = await daemon.tenants();
    return new Map(tenants.flatMap(({ id, labels }) => (labels ? [[id, { id, labels }]] : [])));
  },
  isSame: (a, b) => canonical(a) === canonical(b),
  send: async (put, gone) => void (await daemon.putTenants({ put: [...put], delete: [...gone] })),
});

/** `faults` notes what of them the daemon does not understand. The daemon has them in other words, so that they are told again to compare. */
export const policyTelling = (daemon: DaemonClient, faults: PolicyFaults): Telling<PolicyView> => ({
  known: async () => {
    const ids = await daemon.policyIds();
    return new Map(ids.flatMap((id) => objectOf(id).map((key) => [key, undefined])));
  },
  isSame: () => false,
  send: async (put, gone) => {
    const reply = await daemon.putKubernetesPolicies({ put: [...put], delete: [...gone] });
    faults.note(put, reply.faults);
  },
});

/** Of `kube.<namespace>.<name>.<direction>`; a namespace has no dots. Empty: a policy that is not Kubernetes'. */
function objectOf(id: string): string[] {
  const [, namespace, name] = /^kube\.([^.]+)\.(.+)\.(?:ingress|egress)$/.exec(id) ?? [];
  return namespace === undefined ? [] : [`${namespace}/${name}`];
}

/** Labels stand in any order. */
const canonical = ({ labels, ...rest }: { readonly labels: Readonly<Record<string, string>> }): string =>
  JSON.stringify([rest, Object.entries(labels).sort()]);
