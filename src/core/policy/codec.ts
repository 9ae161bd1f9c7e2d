// Policies in the store: the canonical document as text, under `policies/<id>`. Strict as every codec of records is.
import { garbage, parseText } from "../model/codec-read.ts";
import { policyKey } from "../model/keys.ts";
import type { Policy } from "../model/policy.ts";
import { parsePolicies } from "./parse-policies.ts";
import { policyDocument } from "./policy-document.ts";

export const encodePolicy = (policy: Policy): string => JSON.stringify(policyDocument(policy));

/** Throws UnavailableError `STORE_GARBAGE` naming `key` and the field. */
export function decodePolicy(key: string, text: string): Policy {
  const root = parseText(key, text);
  const parsed = parsePolicies(root.value);
  if (parsed.kind === "invalid") {
    const { field = "", value, expected = "a policy" } = parsed.faults[0] ?? {};
    throw garbage({ key, field, value }, expected);
  }
  const [policy, ...more] = parsed.policies;
  if (!policy || more.length > 0) throw garbage(root, "one policy");
  if (policyKey(policy.id) !== key) throw garbage({ ...root, field: "id" }, "the id in the key");
  return policy;
}
