// The Pods of this node as Kubernetes has them, for who attaches them: known from a watch, or else asked for. A pod may be made anew under its
// name, and the watch may lag behind that: it is told by its uid.
import { UnavailableError } from "../../../base/errors.ts";
import type { KubeClient } from "../../../io/kube/kube-client.ts";
import type { Reflector } from "../../../io/kube/reflector.ts";
import type { KubeObject } from "../../../io/kube/types.ts";
import { type PodView, readPod } from "./pod-view.ts";

export interface PodSource {
  /** `id`: "namespace/name"; `uid` "": whichever has the name. UnavailableError `POD_UNKNOWN`: nobody can say in time. */
  find(id: string, uid: string): Promise<PodView>;
}

/** Milliseconds: the runtime waits. */
const PATIENCE = 2000;

type SourceDeps = {
  readonly client: Pick<KubeClient, "ask">;
  readonly known: Pick<Reflector<PodView>, "items">;
};

export function createPodSource({ client, known }: SourceDeps): PodSource {
  return {
    async find(id, uid) {
      const seen = known.items.get(id);
      if (seen && isOf(seen, uid)) return seen;
      const pod = await ask(client, id);
      if (isOf(pod, uid)) return pod;
      throw unknown(id, `Kubernetes has another pod of this name than ${uid}`);
    },
  };
}

const isOf = ({ uids }: PodView, uid: string): boolean => uid === "" || uids.includes(uid);

async function ask(client: SourceDeps["client"], id: string): Promise<PodView> {
  const [namespace = "", name = ""] = id.split("/").map(encodeURIComponent);
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    return readPod(await client.ask<KubeObject>("GET", path, { signal }));
  } catch (cause) {
    if (!(cause instanceof UnavailableError)) throw cause;
    throw unknown(id, cause.code === "KUBE_NOT_FOUND" ? "Kubernetes has no pod of this name" : cause.message);
  }
}

const unknown = (id: string, reason: string): UnavailableError =>
  new UnavailableError({
    code: "POD_UNKNOWN",
    message: `segment and addresses of pod ${id} are unknown: ${reason}`,
  });
