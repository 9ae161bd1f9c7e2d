// What is kept of a Pod object: what policies ask about. A cluster has very many, so no more than that.
import type { PodRequest } from "../../core/api/kubernetes.ts";
import { isRecord, type Json } from "../../core/model/read-fields.ts";
import type { KubeObject } from "../../io/kube/types.ts";
import { recordsIn } from "./conditions.ts";

export type PodView = Required<PodRequest>;

/** `undefined`: it has no network of its own, for it is on its host's, on no node yet, or has ended. */
export function readPod({ metadata, spec, status }: KubeObject): PodView | undefined {
  const host = isRecord(spec) ? spec["nodeName"] : undefined;
  if (!isRecord(spec) || typeof host !== "string" || host === "" || spec["hostNetwork"] === true)
    return undefined;
  if (hasEnded(status)) return undefined;
  const id = `${metadata.namespace ?? ""}/${metadata.name}`;
  return { id, host, labels: { ...metadata.labels }, ports: readPorts(spec) };
}

/** Its address may be another's by now. */
const hasEnded = (status: unknown): boolean =>
  isRecord(status) && (status["phase"] === "Succeeded" || status["phase"] === "Failed");

/** Of sidecars too, which are init containers that go on. */
function readPorts(spec: Json): PodView["ports"] {
  const sidecars = recordsIn(spec, "initContainers").filter((each) => each["restartPolicy"] === "Always");
  return [...recordsIn(spec, "containers"), ...sidecars].flatMap((container) =>
    recordsIn(container, "ports").flatMap(({ name, containerPort: port, protocol = "TCP" }) => {
      const word = PROTOCOLS.get(String(protocol));
      if (typeof name !== "string" || name === "" || typeof port !== "number" || !word) return [];
      return [{ name, protocol: word, port }];
    }),
  );
}

const PROTOCOLS = new Map([
  ["TCP", "tcp"],
  ["UDP", "udp"],
  ["SCTP", "sctp"],
] as const) as ReadonlyMap<string, "tcp" | "udp" | "sctp">;
