// A node's share of the policies on the wire: core/policy makes and reads it. Chains are as they are in core/model.
import type { NodeChain, NodeSet } from "../model/node-policy.ts";

/** In each direction names of chains; absent: no policy selects. */
export type IsolationJson = { ingress?: readonly string[]; egress?: readonly string[] };
export type NodeHostJson = IsolationJson & { name: string; ips: string[] };
export type NodePodJson = IsolationJson & { id: string; ips: string[] };
/** `elements`: by `elementKey`, "10.0.0.0/29" or "10.0.0.1/32 8080". */
export type NodeSetJson = Pick<NodeSet, "name" | "about" | "kind"> & { elements: string[] };

export type NodePolicyJson = {
  host: NodeHostJson;
  pods: NodePodJson[];
  chains: NodeChain[];
  sets: NodeSetJson[];
};

export type ChangesJson<T> = { put?: T[]; delete?: readonly string[] };
/** What is absent does not change. */
export type NodeDeltaJson = {
  host?: NodeHostJson;
  pods?: ChangesJson<NodePodJson>;
  chains?: ChangesJson<NodeChain>;
  sets?: ChangesJson<NodeSetJson>;
  elements?: SetChangeJson[];
};
export type SetChangeJson = { name: string; added?: string[]; removed?: string[] };
