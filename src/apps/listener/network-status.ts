// The condition NetworkUnavailable of nodes: cleared once a node's agent is ready, so that pods are scheduled to it. It is never set: an agent
// that is being upgraded makes no network unavailable.
import type { Clock } from "../../base/clock.ts";
import type { KubeClient } from "../../io/kube/kube-client.ts";
import { isKubeError } from "../../io/kube/kube-error.ts";
import type { AgentView } from "./read-agent.ts";
import type { NodeView } from "./read-node.ts";

/** Nodes with a ready agent of which Kubernetes does not know yet that their network is there. */
export function toClear(nodes: Iterable<NodeView>, agents: Iterable<AgentView>): string[] {
  const ready = new Set([...agents].filter((agent) => agent.ready).map(({ host }) => host));
  return [...nodes]
    .filter(({ name, networkUnavailable }) => networkUnavailable !== "False" && ready.has(name))
    .map(({ name }) => name);
}

type StatusDeps = { readonly client: Pick<KubeClient, "ask">; readonly clock: Clock };

export async function clearNetworkUnavailable(node: string, { client, clock }: StatusDeps): Promise<void> {
  const now = new Date(clock.now()).toISOString().replace(/\.\d+/, "");
  const condition = {
    ...{ type: "NetworkUnavailable", status: "False", reason: "RomanaIsReady" },
    message: "Romana's agent on this node is ready",
    ...{ lastTransitionTime: now, lastHeartbeatTime: now },
  };
  const body = { status: { conditions: [condition] } };
  try {
    await client.ask("PATCH", `/api/v1/nodes/${node}/status`, { body, patch: "strategic" });
  } catch (error) {
    // It is gone, and needs none any more.
    if (!isKubeError(error, "KUBE_NOT_FOUND")) throw error;
  }
}
