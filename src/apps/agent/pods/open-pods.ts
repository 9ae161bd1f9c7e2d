// The watch of this node's pods, and the API server behind it.
import { parseDocument } from "../../../io/document/parse-document.ts";
import { openKubeAccess } from "../../../io/kube/kube-access.ts";
import { createKubeClient } from "../../../io/kube/kube-client.ts";
import { type ReflectorDeps, startReflector } from "../../../io/kube/reflector.ts";
import { createPodSource, type PodSource } from "./pod-source.ts";
import { type PodView, readPod } from "./pod-view.ts";

type Access = {
  readonly kubeconfig: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** InputError of `openKubeAccess`. */
export function openPods(
  hostname: string,
  { kubeconfig, env }: Access,
  deps: Omit<ReflectorDeps, "client">,
): PodSource & { close(): Promise<void> } {
  const { log } = deps;
  const client = createKubeClient(openKubeAccess({ kubeconfig, env, parse: parseDocument, log }));
  const known = startReflector<PodView>(
    {
      path: "/api/v1/pods",
      query: { fieldSelector: `spec.nodeName=${hostname}` },
      read: readPod,
      changed: () => undefined,
    },
    { ...deps, client },
  );
  return {
    ...createPodSource({ client, known }),
    async close() {
      await known.close();
      client.close();
    },
  };
}
