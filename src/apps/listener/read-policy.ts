// What is kept of Namespace and NetworkPolicy objects: what the daemon is told.
import type { KubeObject } from "../../io/kube/types.ts";

export type NamespaceView = { readonly id: string; readonly labels: Record<string, string> };

export const readNamespace = ({ metadata: { name, labels = {} } }: KubeObject): NamespaceView => ({
  id: name,
  labels: { ...labels },
});

/** In Kubernetes' own form: the daemon translates it. */
export type PolicyView = {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: unknown;
};

export const readPolicy = ({ metadata: { namespace = "", name }, spec }: KubeObject): PolicyView => ({
  metadata: { namespace, name },
  spec,
});
