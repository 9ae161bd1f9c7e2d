// Pods as a container runtime makes them: a namespace, then the real CNI plugin with environment and configuration. Never gives
// a pod an address or a route itself.
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { addNamespaces, netnsPath, type Run } from "./fabric.ts";
import { namespaceOf } from "./namespaces.ts";
import type { PodState } from "./state.ts";

export type PodSpec = Pick<PodState, "name" | "host" | "tenant" | "segment" | "containerId">;

export type PodDeps = {
  readonly id: string;
  readonly directory: string;
  readonly run: Run;
  readonly clock: Clock;
};

/** The plugin under the name that runtimes call it by. */
export const plugin = join(import.meta.dirname, "../../../build/native/romana-native");
const TENANTS = ["shop", "bank"] as const;
/** What runtimes wait for at most (kubelet: two minutes); a healthy agent needs milliseconds. */
const TIMEOUT_MS = 20_000;

/** `perHost` pods on each host, of two tenants in turn. */
export function planPods(id: string, hosts: readonly string[], perHost: number): PodSpec[] {
  return hosts.flatMap((host) =>
    Array.from({ length: perHost }, (_, i) =>
      podSpec(id, host, `${host}-p${i + 1}`, TENANTS[i % 2] ?? "shop"),
    ),
  );
}

export const podSpec = (id: string, host: string, name: string, tenant: string): PodSpec => ({
  name,
  host,
  tenant,
  segment: "default",
  containerId: `lab-${id}-${host}-${name}`,
});

export const cniSocket = (directory: string, host: string): string => join(directory, host, "cni.sock");

/** Empty namespaces for the pods, all in one go. */
export const addPodNamespaces = (pods: readonly PodSpec[], { id, run }: PodDeps): Promise<void> =>
  addNamespaces(
    pods.map((pod) => namespaceOf(id, pod.name)),
    run,
  );

/** CNI ADD. UnavailableError `LAB_CNI` with the plugin's answer. */
export async function addPod(pod: PodSpec, deps: PodDeps): Promise<PodState> {
  const start = deps.clock.monotonic();
  const answer = await callPlugin("ADD", pod, deps);
  const addMs = deps.clock.monotonic() - start;
  const { ips = [] } = JSON.parse(answer) as { ips?: { address: string }[] };
  return { ...pod, ips: ips.map(({ address }) => address.split("/")[0] ?? ""), addMs };
}

/** CNI DEL. The namespace stays. */
export async function deletePod(pod: PodSpec, deps: PodDeps): Promise<void> {
  await callPlugin("DEL", pod, deps);
}

async function callPlugin(command: "ADD" | "DEL", pod: PodSpec, deps: PodDeps): Promise<string> {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: pod.containerId,
    CNI_NETNS: netnsPath(namespaceOf(deps.id, pod.name)),
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin",
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.tenant};K8S_POD_NAME=${pod.name};K8S_POD_INFRA_CONTAINER_ID=${pod.containerId}`,
  };
  const configuration = {
    cniVersion: "1.0.0",
    name: "romana-k8s-network",
    type: "romana",
    socket: cniSocket(deps.directory, pod.host),
    ipam: { type: "romana-ipam" },
  };
  const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  const result = await deps.run(["env", ...variables, plugin, "cni"], {
    netns: netnsPath(namespaceOf(deps.id, pod.host)),
    stdin: JSON.stringify(configuration),
    timeout: TIMEOUT_MS,
  });
  if (result.code === 0) return result.stdout;
  throw new UnavailableError({
    code: "LAB_CNI",
    message: `CNI ${command} of ${pod.name} on ${pod.host}: ${(result.stdout + result.stderr).trim().slice(0, 500)}`,
  });
}
