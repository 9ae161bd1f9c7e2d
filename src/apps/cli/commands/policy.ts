// `romana policy …`.
import type { Command } from "commander";
import { InputError } from "../../../base/errors.ts";
import type { PolicyChange, PolicyChanges } from "../../../core/api/policies.ts";
import type { Policy } from "../../../core/model/policy.ts";
import { describeSubject } from "../../../core/policy/describe.ts";
import { parsePolicies } from "../../../core/policy/parse-policies.ts";
import { policyDocument, type PolicyJson } from "../../../core/policy/policy-document.ts";
import type { Context } from "../context.ts";
import { type Column, render } from "../output.ts";
import { type Action, segmentOf } from "./action.ts";
import { readPolicyFiles } from "./policy-files.ts";

export function policyCommands(program: Command, action: Action): void {
  const policy = program.command("policy").description("network policies");
  policy.command("list").description("all policies, Kubernetes' too").action(action(listPolicies));
  policy.command("show").argument("<id>").description("one policy").action(action(showPolicy));
  policy
    .command("add")
    .argument("<files...>", "JSON, JSONC or YAML with one policy or several; - is stdin")
    .description("put policies in place, each by its id; if one has a fault, none")
    .action(action(addPolicies));
  policy
    .command("remove")
    .argument("<ids...>")
    .description("take policies away")
    .action(action(removePolicies));
}

const columns: readonly Column<Policy>[] = [
  ["Policy", ({ id }) => id],
  ["Direction", ({ direction }) => direction],
  ["Isolates", ({ subjects }) => subjects.map(describeSubject).join("; ")],
  ["Rules", ({ rules }) => rules.length],
  ["Description", ({ description }) => description || "-"],
];
const changeColumns: readonly Column<PolicyChange>[] = [
  ["Policy", ({ id }) => id],
  ["Change", ({ change }) => change],
];

async function listPolicies({ client, show }: Context): Promise<void> {
  const reply = await client.request<PolicyJson[]>("GET", "/policies");
  show(reply, reply.length === 0 ? [] : policiesOf(reply), columns);
}

/** A later daemon may say what this program cannot read. */
function policiesOf(reply: readonly PolicyJson[]): readonly Policy[] {
  const parsed = parsePolicies(reply);
  if (parsed.kind === "invalid") throw new InputError(parsed.faults);
  return parsed.policies;
}

async function showPolicy({ client, tell }: Context, id: string): Promise<void> {
  const reply = await client.request<PolicyJson>("GET", `/policies/${segmentOf(id)}`);
  tell(reply, render("yaml", reply, [], []));
}

/** In one request: a large file is sent in several. */
const AT_ONCE = 500;

async function addPolicies({ client, show }: Context, files: readonly string[]): Promise<void> {
  const policies = (await readPolicyFiles(files)).map(policyDocument);
  const changes: PolicyChange[] = [];
  for (let i = 0; i < policies.length; i += AT_ONCE) {
    const some = policies.slice(i, i + AT_ONCE);
    changes.push(...(await client.request<PolicyChanges>("POST", "/policies", some)).policies);
  }
  show({ policies: changes }, changes, changeColumns);
}

async function removePolicies({ client, show }: Context, ids: readonly string[]): Promise<void> {
  const changes: PolicyChange[] = [];
  for (const id of ids)
    changes.push(await client.request<PolicyChange>("DELETE", `/policies/${segmentOf(id)}`));
  show({ policies: changes }, changes, changeColumns);
}
