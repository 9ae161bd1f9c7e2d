// One element of `applied_to` or `peers` (R5): who is meant. Label selectors, `except` and the older spellings are read too.
import type { Peer, PodSelector, Requirement, Subject } from "../model/policy.ts";
import { SEGMENT_LABEL } from "../model/policy.ts";
import {
  at,
  type Json,
  type Place,
  readCidr,
  readList,
  readName,
  readRecord,
  type Report,
} from "../model/read-fields.ts";
import { containsCidr } from "../net/cidr.ts";
import type { Cidr } from "../net/cidr.ts";
import { requirement, requirements } from "./canonical.ts";
import { readSelector } from "./read-selector.ts";

const POD_FIELDS = ["tenant_id", "tenant", "namespace_selector", "segment_id", "segment", "pod_selector"];

export const isGiven = ({ value }: Place): boolean => value !== undefined && value !== null;

/** The field under its new name, or else under its old one; both at once are a fault. */
export function either(item: Json, name: string, old: string, field: string, report: Report): Place {
  const [now, before] = [at(item, name, field), at(item, old, field)];
  if (isGiven(now) && isGiven(before))
    report({ code: "FIELD_TWICE", ...before, expected: `${name} or ${old}` });
  return isGiven(now) || !isGiven(before) ? now : before;
}

export function readSubject(place: Place, report: Report): Subject | undefined {
  const item = readRecord(place, [...POD_FIELDS, "cidr", "dest"], "a target as {tenant_id}", report);
  if (!item) return undefined;
  const dest = at(item, "dest", place.field);
  const cidr = at(item, "cidr", place.field);
  switch (readKind(item, [dest, cidr], place, report)) {
    case dest:
      if (dest.value === "host") return { kind: "hosts" };
      if (dest.value === "local") return { kind: "pods", selector: everyPod };
      report({ code: "DEST", ...dest, expected: "host or local" });
      return undefined;
    case cidr: {
      const parsed = readCidr(cidr, report);
      return parsed && { kind: "cidr", cidr: parsed };
    }
    case "pods":
      return { kind: "pods", selector: readPods(item, place, report) };
    default:
      return undefined;
  }
}

export function readPeer(place: Place, report: Report): Peer | undefined {
  const item = readRecord(place, [...POD_FIELDS, "cidr", "except", "peer"], "a peer as {tenant_id}", report);
  if (!item) return undefined;
  const peer = at(item, "peer", place.field);
  const cidr = at(item, "cidr", place.field);
  const except = at(item, "except", place.field);
  if (isGiven(except) && !isGiven(cidr))
    report({ code: "ENDPOINT_MIXED", ...except, expected: "a cidr beside it" });
  switch (readKind(item, [peer, cidr], place, report)) {
    case peer:
      return readPeerWord(peer, report);
    case cidr: {
      const parsed = readCidr(cidr, report);
      return parsed && { kind: "cidr", cidr: parsed, except: readExcept(except, parsed, report) };
    }
    case "pods":
      return { kind: "pods", selector: readPods(item, place, report) };
    default:
      return undefined;
  }
}

/** `dest: local`: on every host its pods, so all pods. */
export const everyPod: PodSelector = { tenants: { kind: "labelled", labels: [] }, labels: [] };

/** Which one of the ways to say who is meant is used: one of `others`, or the fields of pods. */
function readKind(
  item: Json,
  others: readonly Place[],
  { value, field }: Place,
  report: Report,
): Place | "pods" | undefined {
  const pods = POD_FIELDS.some((name) => isGiven(at(item, name, field)));
  const given = [...others.filter(isGiven), ...(pods ? (["pods"] as const) : [])];
  if (given.length === 1) return given[0];
  const names = others.map((place) => place.field.slice(field.length + 1)).join(", ");
  report({ code: "ENDPOINT", field, value, expected: `one of ${names}, tenant_id or namespace_selector` });
  return undefined;
}

function readPeerWord(place: Place, report: Report): Peer | undefined {
  switch (place.value) {
    case "any":
    case "local":
      return { kind: place.value };
    case "host":
      return { kind: "hosts" };
    default:
      report({ code: "PEER", ...place, expected: "any, host or local" });
      return undefined;
  }
}

function readExcept(place: Place, cidr: Cidr, report: Report): Cidr[] {
  return readList(place, "a list of prefixes inside cidr", report).flatMap((each) => {
    const parsed = readCidr(each, report);
    if (parsed && !containsCidr(cidr, parsed))
      report({ code: "CIDR_EXCEPT", ...each, expected: "a prefix inside cidr" });
    return parsed ?? [];
  });
}

function readPods(item: Json, place: Place, report: Report): PodSelector {
  const tenant = either(item, "tenant_id", "tenant", place.field, report);
  const namespaces = at(item, "namespace_selector", place.field);
  if (isGiven(tenant) === isGiven(namespaces))
    report({
      code: "ENDPOINT",
      ...place,
      expected: "either tenant_id or namespace_selector ({} is every tenant)",
    });
  const labels = readPodLabels(item, place, report);
  if (isGiven(tenant)) return { tenants: { kind: "named", name: readName(tenant, report) }, labels };
  const wanted = isGiven(namespaces) ? readSelector(namespaces, report) : [];
  return { tenants: { kind: "labelled", labels: wanted }, labels };
}

function readPodLabels(item: Json, { field }: Place, report: Report): Requirement[] {
  const segment = either(item, "segment_id", "segment", field, report);
  const selector = at(item, "pod_selector", field);
  return requirements([
    ...(isGiven(segment) ? [requirement(SEGMENT_LABEL, "In", [readName(segment, report)])] : []),
    ...(isGiven(selector) ? readSelector(selector, report) : []),
  ]);
}
