// One policy of Romana's JSON (R5), in the new form (`id`, `applied_to`, `ingress`) or the older one (`name`, `tenant`,
// `segment`, `peers` and `rules` on the policy itself).
import type { Direction, Policy, Rule, Subject } from "../model/policy.ts";
import {
  at,
  type Json,
  type Place,
  readFullList,
  readList,
  readRecord,
  type Report,
} from "../model/read-fields.ts";
import { peersOf, trafficOf } from "./canonical.ts";
import { either, isGiven, readPeer, readSubject } from "./read-endpoint.ts";
import { readTraffic } from "./read-traffic.ts";

const OLD_FIELDS = ["name", "tenant", "tenant_id", "segment", "segment_id", "peers", "rules"];
const FIELDS = ["id", "description", "direction", "applied_to", "ingress", ...OLD_FIELDS];

/** `undefined` if it is no object at all; with faults reported, what is left is not a policy to enforce. */
export function readPolicy(place: Place, report: Report): Policy | undefined {
  const item = readRecord(place, FIELDS, "a policy as {id, applied_to, ingress}", report);
  if (!item) return undefined;
  return {
    id: readId(either(item, "id", "name", place.field, report), report),
    description: readDescription(at(item, "description", place.field), report),
    direction: readDirection(at(item, "direction", place.field), report),
    subjects: readSubjects(item, place, report),
    rules: readRules(item, place, report),
  };
}

/** Visible characters and single inner blanks; no "/" and neither "." nor "..", as it stands in paths. Longer than names: it may hold two of Kubernetes'. */
function readId({ value, field }: Place, report: Report): string {
  if (
    typeof value === "string" &&
    value.length <= 512 &&
    /^(?!\.\.?$)[^\p{C}\p{Z}/]+(?: [^\p{C}\p{Z}/]+)*$/u.test(value)
  )
    return value;
  report({
    code: "POLICY_ID",
    field,
    value,
    expected: `a name of 1 to 512 visible characters, no "/", not . or ..`,
  });
  return "";
}

function readDescription({ value, field }: Place, report: Report): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string" && value.length <= 1024 && value.isWellFormed()) return value;
  report({ code: "DESCRIPTION", field, value, expected: "a text of at most 1024 characters" });
  return "";
}

function readDirection({ value, field }: Place, report: Report): Direction {
  const word = value === undefined || value === null ? "ingress" : value;
  const lower = typeof word === "string" ? word.toLowerCase() : "";
  if (lower === "ingress" || lower === "egress") return lower;
  report({ code: "DIRECTION", field, value, expected: "ingress or egress" });
  return "ingress";
}

/** The older form may name one tenant on the policy itself. */
function readSubjects(item: Json, place: Place, report: Report): Subject[] {
  const names = ["tenant_id", "tenant", "segment_id", "segment"].filter((name) =>
    isGiven(at(item, name, place.field)),
  );
  const list = at(item, "applied_to", place.field);
  if (names.length === 0)
    return readFullList(list, "a list of targets", report).flatMap((each) => readSubject(each, report) ?? []);
  if (isGiven(list)) report({ code: "FIELD_TWICE", ...list, expected: `applied_to or ${names.join(", ")}` });
  const own = { value: Object.fromEntries(names.map((name) => [name, item[name]])), field: place.field };
  return [readSubject(own, report) ?? []].flat();
}

/** `ingress` is the list's name in both directions (R5). The older form has the one element's fields on the policy itself. */
function readRules(item: Json, place: Place, report: Report): Rule[] {
  const list = at(item, "ingress", place.field);
  const isOld = ["peers", "rules"].some((name) => isGiven(at(item, name, place.field)));
  if (!isOld)
    return readList(list, "a list of {peers, rules}", report).flatMap(
      (each) => readElement(each, report) ?? [],
    );
  if (isGiven(list)) report({ code: "FIELD_TWICE", ...list, expected: "ingress, or peers and rules" });
  return [readRule(item, place, report)];
}

function readElement(place: Place, report: Report): Rule | undefined {
  const item = readRecord(place, ["peers", "rules"], "an element as {peers, rules}", report);
  return item && readRule(item, place, report);
}

/** Empty lists are faults: they could mean all or none. All is said with `any`. */
function readRule(item: Json, { field }: Place, report: Report): Rule {
  const peers = readFullList(at(item, "peers", field), "a list of peers ({peer: any} for all)", report);
  const rules = readFullList(at(item, "rules", field), "a list of rules ({protocol: any} for all)", report);
  return {
    action: "allow",
    peers: peersOf(peers.flatMap((each) => readPeer(each, report) ?? [])),
    traffic: trafficOf(rules.flatMap((each) => readTraffic(each, report))),
  };
}
