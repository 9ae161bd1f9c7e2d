// What the listener tells of Kubernetes: pods, namespaces, network policies. Each in lists, as there are very many; put again, all is as it was.
import {
  anything,
  array,
  boolean,
  integer,
  object,
  oneOf,
  optional,
  record,
  string,
  type Static,
} from "./schema.ts";
import { PolicyChange } from "./policies.ts";
import { Name, Revision, Text } from "./types.ts";

const MOST = 10_000;
const PodId = string({
  maxLength: 512,
  pattern: "^[^\\p{C}\\p{Z}/]+/[^\\p{C}\\p{Z}/]+$",
  description: '"namespace/name"',
});
const Labels = record(string({ maxLength: 253 }));

export type PodRequest = Static<typeof PodRequest>;
const PodRequest = object({
  id: PodId,
  /** The node it is scheduled to. */
  host: Name,
  labels: optional(Labels),
  /** Those with a name. */
  ports: optional(
    array(
      object({
        name: Name,
        protocol: oneOf("tcp", "udp", "sctp"),
        port: integer({ minimum: 1, maximum: 65535 }),
      }),
      { maxItems: 1000 },
    ),
  ),
});

/** `POST /pods`: pods that are scheduled, have not ended and are not on their host's network. */
export type PodsRequest = Static<typeof PodsRequest>;
export const PodsRequest = object({
  put: optional(array(PodRequest, { maxItems: MOST })),
  delete: optional(array(PodId, { maxItems: MOST })),
});
export type PodList = Static<typeof PodList>;
export const PodList = object({ revision: Revision, pods: array(PodRequest) });

/** `POST /tenants`: labels of namespaces. */
export type TenantsRequest = Static<typeof TenantsRequest>;
export const TenantsRequest = object({
  put: optional(array(object({ id: Name, labels: optional(Labels) }), { maxItems: MOST })),
  delete: optional(array(Name, { maxItems: MOST })),
});

/** How many of them. */
export type ChangeCounts = Static<typeof ChangeCounts>;
export const ChangeCounts = object({
  added: integer(),
  changed: integer(),
  unchanged: integer(),
  removed: integer(),
});

/** `POST /policies/kubernetes`: NetworkPolicy objects as Kubernetes has them; `delete`: "namespace/name". */
export type KubernetesPolicies = Static<typeof KubernetesPolicies>;
export const KubernetesPolicies = object({
  put: optional(array(anything(), { maxItems: MOST })),
  delete: optional(array(PodId, { maxItems: MOST })),
  /** With these all tenants, pods and policies are told. */
  complete: optional(boolean()),
});
/** `faults`: what was not understood, and allows nothing. `object`: "namespace/name". */
export type KubernetesPoliciesReply = Static<typeof KubernetesPoliciesReply>;
export const KubernetesPoliciesReply = object({
  policies: array(PolicyChange),
  faults: array(object({ object: Text, code: Text, field: Text, expected: Text })),
});
