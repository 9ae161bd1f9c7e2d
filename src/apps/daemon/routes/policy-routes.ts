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
import { policyKey } from "../../../core/model/keys.ts";
import type { Policy } from "../../../core/model/policy.ts";
import { byId } from "../../../core/policy/canonical.ts";
import { encodePolicy } from "../../../core/policy/codec.ts";
import { parsePolicies } from "../../../core/policy/parse-policies.ts";
import { policyDocument, type PolicyJson } from "../../../core/policy/policy-document.ts";
import type { Daemon } from "../daemon.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";

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
  const foreign = parsed.policies.filter(({ id }) => id.startsWith(KUBERNETES));
  if (foreign.length === 0) return parsed.policies;
  const expected = `an id that does not begin with "${KUBERNETES}": those are Kubernetes' own`;
  throw new InputError(foreign.map(({ id }) => ({ code: "POLICY_ID", field: "id", value: id, expected })));
}

/** What ids of policies that come from Kubernetes begin with. */
const KUBERNETES = "kube.";

/** How many of a document wait for the writer at a time, so that it does not fill the queue. */
const AT_ONCE = 200;

/** Each is a decision of its own: a document may hold more than a transaction takes. */
async function putPolicies(daemon: Daemon, policies: readonly Policy[]): Promise<PolicyChange[]> {
  const changes: PolicyChange[] = [];
  for (let i = 0; i < policies.length; i += AT_ONCE) {
    const some = policies.slice(i, i + AT_ONCE);
    changes.push(...(await Promise.all(some.map((policy) => putPolicy(daemon, policy)))));
  }
  return changes;
}

const putPolicy = ({ writer }: Daemon, policy: Policy): Promise<PolicyChange> =>
  writer.submit<PolicyChange>(({ policies }) => {
    const { id } = policy;
    const before = policies.get(id);
    if (before && encodePolicy(before) === encodePolicy(policy))
      return { value: { id, change: "unchanged" } };
    const plan = { writes: [{ kind: "put-policy", policy } as const], guards: [] };
    return { value: { id, change: before ? "changed" : "added" }, plan };
  });

/** One that nobody can read can be taken away, too. */
const removePolicy = ({ writer, mirror }: Daemon, id: string): Promise<PolicyChange> =>
  writer.submit<PolicyChange>(({ policies }) => {
    if (!policies.has(id) && !mirror.garbage.has(policyKey(id))) throw unknownResource("policy", id);
    const plan = { writes: [{ kind: "delete-policy", id } as const], guards: [] };
    return { value: { id, change: "removed" }, plan };
  });
