// `/policies`: Romana's own network policies, put and taken away by id; those of Kubernetes are shown with them.
import type { FastifyInstance } from "fastify";
import { InputError } from "../../../base/errors.ts";
import {
  PolicyChange,
  PolicyChanges,
  PolicyList,
  PolicyRemoval,
  PolicyReply,
  PolicyRequest,
} from "../../../core/api/policies.ts";
import type { Policy } from "../../../core/model/policy.ts";
import { KUBERNETES_IDS } from "../../../core/policy/kubernetes.ts";
import { byId } from "../../../core/policy/canonical.ts";
import { parsePolicies } from "../../../core/policy/parse-policies.ts";
import { policyDocument, type PolicyJson } from "../../../core/policy/policy-document.ts";
import type { Daemon } from "../daemon.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";
import { submitWrite, submitWrites } from "./submit-writes.ts";

type ById = { Params: { id: string } };

export function policyRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { state } = daemon.mirror;
  const summary = {
    list: "Network policies",
    post: "Put policies: one, a list, or the older envelope",
    one: "One policy",
    delete: "Take a policy away",
  };
  app.get("/policies", { schema: { summary: summary.list, ...replies(PolicyList) } }, (): PolicyJson[] =>
    [...state.policies.values()].sort(byId).map(policyDocument),
  );
  app.get<ById>(
    "/policies/:id",
    { schema: { summary: summary.one, ...replies(PolicyReply) } },
    ({ params: { id } }): PolicyJson => {
      const policy = state.policies.get(id);
      if (!policy) throw unknownResource("policy", id);
      return policyDocument(policy);
    },
  );
  app.post(
    "/policies",
    {
      schema: { summary: summary.post, body: PolicyRequest, ...replies(PolicyChanges) },
      // The parser of core/policy names every fault with its path.
      validatorCompiler: () => () => true,
    },
    async ({ body }): Promise<PolicyChanges> => ({ policies: await putPolicies(daemon, readOwn(body)) }),
  );
  app.delete<{ Body: PolicyRemoval }>(
    "/policies",
    { schema: { summary: summary.delete, body: PolicyRemoval, ...replies(PolicyChange) } },
    ({ body: { id } }) => removePolicy(daemon, id),
  );
  app.delete<ById>(
    "/policies/:id",
    { schema: { summary: summary.delete, ...replies(PolicyChange) } },
    ({ params: { id } }) => removePolicy(daemon, id),
  );
}

/** All or none: a document with a fault changes nothing. */
function readOwn(body: unknown): readonly Policy[] {
  const parsed = parsePolicies(body);
  if (parsed.kind === "invalid") throw new InputError(parsed.faults);
  const foreign = parsed.policies.filter(({ id }) => id.startsWith(KUBERNETES_IDS));
  if (foreign.length === 0) return parsed.policies;
  const expected = `an id that does not begin with "${KUBERNETES_IDS}": those are Kubernetes' own`;
  throw new InputError(foreign.map(({ id }) => ({ code: "POLICY_ID", field: "id", value: id, expected })));
}

async function putPolicies(daemon: Daemon, policies: readonly Policy[]): Promise<PolicyChange[]> {
  const changes = await submitWrites(
    daemon,
    policies.map((policy) => ({ kind: "put-policy", policy })),
  );
  return policies.map(({ id }, i) => ({ id, change: changes[i] ?? "unchanged" }));
}

async function removePolicy(daemon: Daemon, id: string): Promise<PolicyChange> {
  const change = await submitWrite(daemon, { kind: "delete-policy", id });
  if (change === "absent") throw unknownResource("policy", id);
  return { id, change };
}
