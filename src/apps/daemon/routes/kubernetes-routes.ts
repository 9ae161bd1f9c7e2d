// What the listener tells of Kubernetes: pods, labels of namespaces, network policies. Addresses of pods are not told: IPAM has them.
import type { FastifyInstance } from "fastify";
import {
  ChangeCounts,
  KubernetesPolicies,
  KubernetesPoliciesReply,
  PodList,
  type PodRequest,
  PodsRequest,
  TenantsRequest,
} from "../../../core/api/kubernetes.ts";
import { object, optional, string, type Static } from "../../../core/api/schema.ts";
import type { Write } from "../../../core/ipam/types.ts";
import { type PodRecord, tenantOfPod } from "../../../core/model/pod-record.ts";
import type { Labels } from "../../../core/model/policy.ts";
import { isRecord } from "../../../core/model/read-fields.ts";
import { compareText } from "../../../core/policy/canonical.ts";
import {
  kubernetesPolicyId,
  type Translated,
  translateNetworkPolicy,
} from "../../../core/policy/kubernetes.ts";
import type { Daemon } from "../daemon.ts";
import { notePoliciesKnown } from "../tend-adoption.ts";
import { replies } from "./route-schemas.ts";
import { type Change, submitWrites } from "./submit-writes.ts";

const PodsQuery = object({ tenant: optional(string({ maxLength: 253 })) });

export function kubernetesRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { mirror } = daemon;
  app.get<{ Querystring: Static<typeof PodsQuery> }>(
    "/pods",
    { schema: { summary: "Pods that were told", querystring: PodsQuery, ...replies(PodList) } },
    ({ query: { tenant } }): PodList => {
      const all = [...mirror.state.pods.values()];
      const pods = tenant === undefined ? all : all.filter(({ id }) => tenantOfPod(id) === tenant);
      return { revision: mirror.revision, pods: pods.map(podReply) };
    },
  );
  app.post<{ Body: PodsRequest }>(
    "/pods",
    { schema: { summary: "Put and remove pods", body: PodsRequest, ...replies(ChangeCounts) } },
    async ({ body }) => counts(await submitWrites(daemon, podWrites(body))),
  );
  app.post<{ Body: TenantsRequest }>(
    "/tenants",
    {
      schema: { summary: "Put and remove labels of tenants", body: TenantsRequest, ...replies(ChangeCounts) },
    },
    async ({ body }) => counts(await submitWrites(daemon, tenantWrites(body))),
  );
  app.post<{ Body: KubernetesPolicies }>(
    "/policies/kubernetes",
    {
      schema: {
        summary: "Put and remove Kubernetes' NetworkPolicies",
        body: KubernetesPolicies,
        ...replies(KubernetesPoliciesReply),
      },
    },
    ({ body }) => putKubernetesPolicies(daemon, body),
  );
}

const podReply = ({ labels, ports, ...pod }: PodRecord): PodRequest => ({
  ...pod,
  labels: { ...labels },
  ports: [...ports],
});

const podWrites = ({ put = [], delete: gone = [] }: PodsRequest): Write[] => [
  ...put.map(({ id, host, labels = {}, ports = [] }): Write => ({
    kind: "put-pod",
    pod: {
      ...{ id, host, labels: sorted(labels) },
      ports: ports.map(({ name, protocol, port }) => ({ name, protocol, port })),
    },
  })),
  ...gone.map((id): Write => ({ kind: "delete-pod", id })),
];

const tenantWrites = ({ put = [], delete: gone = [] }: TenantsRequest): Write[] => [
  ...put.map(({ id, labels = {} }): Write => ({
    kind: "put-tenant",
    tenant: { name: id, labels: sorted(labels) },
  })),
  ...gone.map((id): Write => ({ kind: "delete-tenant", id })),
];

/** The same labels are one text, in whatever order they came. */
const sorted = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => compareText(a, b)));

function counts(changes: readonly Change[]): ChangeCounts {
  const total = { added: 0, changed: 0, unchanged: 0, removed: 0 };
  for (const change of changes) total[change === "absent" ? "unchanged" : change]++;
  return total;
}

/** A policy that isolates in one direction only takes away what its object had in the other. */
async function putKubernetesPolicies(
  daemon: Daemon,
  { put = [], delete: gone = [], complete = false }: KubernetesPolicies,
): Promise<KubernetesPoliciesReply> {
  const translated = put.map((each) => ({ object: nameOf(each), ...translateNetworkPolicy(each) }));
  const writes = [...translated, ...gone.map((object) => ({ object, policies: [] }))].flatMap(policyWrites);
  const changes = await submitWrites(daemon, writes);
  if (complete) await notePoliciesKnown(daemon);
  return {
    policies: writes.flatMap((write, i) => {
      const change = changes[i] ?? "absent";
      return change === "absent" ? [] : [{ id: idOf(write), change }];
    }),
    faults: translated.flatMap(({ object, faults }) =>
      faults.map(({ code, field, expected }) => ({ object, code, field, expected })),
    ),
  };
}

type PolicyWrite = Extract<Write, { kind: "put-policy" | "delete-policy" }>;
const idOf = (write: PolicyWrite): string => (write.kind === "put-policy" ? write.policy.id : write.id);

function policyWrites({
  object,
  policies,
}: { object: string } & Pick<Translated, "policies">): PolicyWrite[] {
  const [namespace = "", name = ""] = object.split("/");
  const ids = (["ingress", "egress"] as const).map((direction) =>
    kubernetesPolicyId(namespace, name, direction),
  );
  return ids.map((id) => {
    const policy = policies.find((each) => each.id === id);
    return policy ? { kind: "put-policy", policy } : { kind: "delete-policy", id };
  });
}

/** As far as it has one: an object without a name has no policy, and a fault that says so. */
function nameOf(object: unknown): string {
  const meta = isRecord(object) && isRecord(object["metadata"]) ? object["metadata"] : {};
  return `${String(meta["namespace"])}/${String(meta["name"])}`;
}
