// What an attachment needs to know of its Pod: labels, and what its annotations ask for.
import type { Labels } from "../../../core/model/policy.ts";
import type { KubeObject } from "../../../io/kube/types.ts";

/** As JSON. */
export type PodView = {
  /** By which a runtime may know it: a static pod has another one at its kubelet than at the API server. */
  readonly uids: readonly string[];
  readonly labels: Labels;
  /** `romana.io/ip`: addresses by commas; "": any. */
  readonly ip: string;
  /** `romana.io/network`: networks by commas; "": whichever are the pod's. */
  readonly network: string;
};

/** The kubelet's own uid of a static pod. */
const STATIC = "kubernetes.io/config.hash";

export function readPod({ metadata }: KubeObject): PodView {
  const { uid, labels = {}, annotations = {} } = metadata;
  const hash = annotations[STATIC];
  return {
    uids: [uid, hash].filter((each) => each !== undefined),
    labels,
    ip: annotations["romana.io/ip"] ?? "",
    network: annotations["romana.io/network"] ?? "",
  };
}
