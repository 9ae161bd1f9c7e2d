// What is kept of the Pods of Romana's agents.
import { isRecord } from "../../core/model/read-fields.ts";
import type { KubeObject } from "../../io/kube/types.ts";
import { conditionOf } from "./conditions.ts";

/** Of the manifests. */
export const AGENT_SELECTOR = "app.kubernetes.io/name=romana,app.kubernetes.io/component=agent";

export type AgentView = { readonly host: string; readonly ready: boolean };

/** `undefined`: not on a node yet. */
export function readAgent({ spec, status }: KubeObject): AgentView | undefined {
  const host = isRecord(spec) ? spec["nodeName"] : undefined;
  if (typeof host !== "string" || host === "") return undefined;
  return { host, ready: conditionOf(status, "Ready") === "True" };
}
