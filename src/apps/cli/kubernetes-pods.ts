// The pods of a cluster as Kubernetes has them, as far as addresses are concerned.
import { isRecord } from "../../core/model/read-fields.ts";
import type { KubeClient } from "../../io/kube/kube-client.ts";
import { listPages } from "../../io/kube/list-pages.ts";
import type { KubeObject } from "../../io/kube/types.ts";

export type PodFact = {
  /** "": on none yet. */
  readonly node: string;
  readonly phase: string;
  readonly hostNetwork: boolean;
  /** Texts as the kubelet told them; none before it did. */
  readonly ips: readonly string[];
  readonly revision: number;
};

/** By `namespace/name`. UnavailableError of `listPages`: it names what the caller may not do. */
export async function podFacts(client: Pick<KubeClient, "ask">): Promise<Map<string, PodFact>> {
  const pods = new Map<string, PodFact>();
  for await (const { items } of listPages(client, "/api/v1/pods"))
    for (const pod of items) pods.set(`${pod.metadata.namespace}/${pod.metadata.name}`, readFact(pod));
  return pods;
}

/** Its addresses may be another's by now. */
export const hasEnded = ({ phase }: PodFact): boolean => phase === "Succeeded" || phase === "Failed";

function readFact({ metadata, spec, status }: KubeObject): PodFact {
  const [is, has] = [isRecord(spec) ? spec : {}, isRecord(status) ? status : {}];
  const ips = Array.isArray(has["podIPs"]) ? has["podIPs"] : [{ ip: has["podIP"] }];
  return {
    node: textOf(is["nodeName"]),
    phase: textOf(has["phase"]),
    hostNetwork: is["hostNetwork"] === true,
    ips: ips.flatMap((each) => (isRecord(each) && typeof each["ip"] === "string" ? [each["ip"]] : [])),
    revision: Number(metadata.resourceVersion ?? 0),
  };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
