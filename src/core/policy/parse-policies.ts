// The door for policies in Romana's JSON: all faults at once, or the policies.
import type { Fault } from "../../base/errors.ts";
import type { Policy } from "../model/policy.ts";
import { isRecord, type Place, readFullList, readRecord, reportDuplicates } from "../model/read-fields.ts";
import { readPolicy } from "./read-policy.ts";

export type ParsedPolicies =
  | { readonly kind: "valid"; readonly policies: readonly Policy[] }
  | { readonly kind: "invalid"; readonly faults: readonly Fault[] };

/** Nobody reads more: the rest is left out of the answer. */
const MAX_FAULTS = 500;

/**
 * `document`: one policy, a list of them, or the older envelope `{"securitypolicies": […]}`. Faults name the place
 * (`securitypolicies[0].peers[1].cidr`), the value and what was expected.
 */
export function parsePolicies(document: unknown): ParsedPolicies {
  const faults: Fault[] = [];
  const report = (fault: Fault): void => {
    if (faults.length < MAX_FAULTS) faults.push(fault);
  };
  const places = policyPlaces(document, report);
  const policies = places.flatMap((place) => readPolicy(place, report) ?? []);
  const ids = places.map(({ value, field }) => idPlace(value, field));
  reportDuplicates(ids, "an id that no other policy here has", report);
  return faults.length > 0 ? { kind: "invalid", faults } : { kind: "valid", policies };
}

function policyPlaces(document: unknown, report: (fault: Fault) => void): Place[] {
  if (Array.isArray(document)) return readFullList({ value: document, field: "" }, "policies", report);
  if (!isRecord(document) || !Object.hasOwn(document, "securitypolicies"))
    return [{ value: document, field: "" }];
  const item = readRecord({ value: document, field: "" }, ["securitypolicies"], "policies", report);
  return readFullList({ value: item?.["securitypolicies"], field: "securitypolicies" }, "policies", report);
}

/** What the policy says of itself; "" is no id, and a fault of its own. */
function idPlace(value: unknown, field: string): Place {
  const id: unknown = isRecord(value) ? (value["id"] ?? value["name"]) : undefined;
  return { value: typeof id === "string" ? id : "", field: field === "" ? "id" : `${field}.id` };
}
