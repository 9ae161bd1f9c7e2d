// A CNI request on a node, as a runtime would send it: for sandboxes that no runtime knows.
import type { ClusterNode } from "./node.ts";

export type Attachment = {
  /** Also of its network namespace, which must be there for ADD. */
  readonly container: string;
  /** `namespace/name`. */
  readonly pod: string;
};

/** Exit code and what the plugin printed. */
export async function callCni(
  node: ClusterNode,
  command: "ADD" | "DEL",
  { container, pod }: Attachment,
): Promise<{ readonly code: number; readonly reply: string }> {
  const [namespace, name] = pod.split("/");
  const environment = [
    `CNI_COMMAND=${command}`,
    `CNI_CONTAINERID=${container}`,
    `CNI_NETNS=/run/netns/${container}`,
    ...["CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin"],
    `CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`,
  ];
  const stdin = JSON.stringify({ cniVersion: "1.0.0", name: "romana-k8s-network", type: "romana" });
  const script = '/opt/cni/bin/romana; echo "exit code $?"';
  const printed = await node.exec(["env", ...environment, "sh", "-c", script], { stdin });
  const [, reply = "", code = "-1"] = /^(.*)exit code (\d+)\n$/s.exec(printed) ?? [];
  return { code: Number(code), reply };
}
