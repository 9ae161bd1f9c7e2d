// What is kept of a Node object. Its heartbeat is not: a node that only says that it lives changes nothing here.
import { isRecord } from "../../core/model/read-fields.ts";
import type { KubeObject } from "../../io/kube/types.ts";
import { conditionOf, recordsIn } from "./conditions.ts";

export type NodeView = {
  readonly name: string;
  readonly uid: string;
  /** RFC 3339, so that texts compare as times do. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of type InternalIP, as the node reports them. */
  readonly addresses: readonly string[];
  /** Cordoned: no new pods. */
  readonly unschedulable: boolean;
  readonly ready: boolean;
  /** The condition's status; "": there is none. */
  readonly networkUnavailable: string;
};

export function readNode({ metadata, spec, status }: KubeObject): NodeView {
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    created: metadata.creationTimestamp ?? "",
    labels: metadata.labels ?? {},
    addresses: recordsIn(status, "addresses").flatMap(({ type, address }) =>
      type === "InternalIP" && typeof address === "string" ? [address] : [],
    ),
    unschedulable: isRecord(spec) && spec["unschedulable"] === true,
    ready: conditionOf(status, "Ready") === "True",
    networkUnavailable: conditionOf(status, "NetworkUnavailable") ?? "",
  };
}
