// From Kubernetes' NetworkPolicy (networking.k8s.io/v1, as JSON) to policies of ours: one for each direction that it isolates.
// What cannot be understood is reported and allows nothing: a peer or port that is left out never widens its rule, and an
// object with a fault in one rule isolates all the same. Only where nobody can say whom it isolates there is no policy.
import type { Fault } from "../../base/errors.ts";
import type { Direction, Peer, Policy, PodSelector, Rule, Traffic } from "../model/policy.ts";
import {
  at,
  isRecord,
  type Json,
  type Place,
  readList,
  readRecord,
  type Report,
} from "../model/read-fields.ts";
import { peersOf, trafficOf } from "./canonical.ts";
import { readKubernetesPeer } from "./kubernetes-peer.ts";
import { readKubernetesPort } from "./kubernetes-port.ts";
import { isGiven } from "./read-endpoint.ts";
import { readSelector } from "./read-selector.ts";

export type Translated = { readonly policies: readonly Policy[]; readonly faults: readonly Fault[] };

/** What ids of policies that come from Kubernetes begin with, and no others. */
export const KUBERNETES_IDS = "kube.";

/** Namespaces have no dots, so no two of (namespace, name, direction) have one id. */
export const kubernetesPolicyId = (namespace: string, name: string, direction: Direction): string =>
  `${KUBERNETES_IDS}${namespace}.${name}.${direction}`;

/** `object`: as the API server answers, defaults filled in or not. Fields of faults are as `spec.ingress[0].from[1].ipBlock.cidr`. */
export function translateNetworkPolicy(object: unknown): Translated {
  const faults: Fault[] = [];
  const report: Report = (fault) => void faults.push(fault);
  const name = readMeta(object, "name", report);
  const namespace = readMeta(object, "namespace", report);
  const spec = isRecord(object) ? at(object, "spec", "") : { value: undefined, field: "spec" };
  const item = readRecord(
    spec,
    ["podSelector", "policyTypes", "ingress", "egress"],
    "a specification",
    report,
  );
  const subject = item && readSubject(item, namespace, report);
  if (!item || !subject || name === "" || namespace === "") return { policies: [], faults };
  const policies = readTypes(item, report).map((direction): Policy => ({
    id: kubernetesPolicyId(namespace, name, direction),
    description: `NetworkPolicy ${namespace}/${name}`,
    direction,
    subjects: [{ kind: "pods", selector: subject }],
    rules: readRules(item, direction, namespace, report),
  }));
  return { policies, faults };
}

/** As Kubernetes allows them. The id stands on it: it has no slash, and its first dot ends the namespace. */
const NAMES = {
  namespace: /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
  name: /^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/,
};

function readMeta(object: unknown, key: "name" | "namespace", report: Report): string {
  const meta = isRecord(object) && isRecord(object["metadata"]) ? object["metadata"] : {};
  const place = at(meta, key, "metadata");
  if (typeof place.value === "string" && NAMES[key].test(place.value)) return place.value;
  report({ code: "METADATA", ...place, expected: `the policy's ${key}` });
  return "";
}

/** A missing selector is an empty one: all pods of the namespace. One with a fault selects nobody knows whom. */
function readSubject(spec: Json, namespace: string, report: Report): PodSelector | undefined {
  const place = at(spec, "podSelector", "spec");
  const labels = isGiven(place) ? sound(report, (own) => readSelector(place, own)) : [];
  return labels && { tenants: { kind: "named", name: namespace }, labels };
}

/** None given: ingress, and egress too if there is a rule for it. */
function readTypes(spec: Json, report: Report): Direction[] {
  const types = readList(at(spec, "policyTypes", "spec"), "a list of policy types", report);
  if (types.length === 0) {
    const egress = spec["egress"];
    return Array.isArray(egress) && egress.length > 0 ? ["ingress", "egress"] : ["ingress"];
  }
  const directions = types.flatMap((each): Direction[] => {
    if (each.value === "Ingress") return ["ingress"];
    if (each.value === "Egress") return ["egress"];
    report({ code: "POLICY_TYPE", ...each, expected: "Ingress or Egress" });
    return [];
  });
  return [...new Set(directions)];
}

/** Rules of a direction that the policy does not isolate count for nothing and are not read; one that faults leave nothing of is none. */
function readRules(spec: Json, direction: Direction, namespace: string, report: Report): Rule[] {
  const peers = direction === "ingress" ? "from" : "to";
  const rules = readList(at(spec, direction, "spec"), "a list of rules", report).map((place): Rule => {
    const rule = sound(report, (own) =>
      readRecord(place, [peers, "ports"], `a rule as {${peers}, ports}`, own),
    );
    if (!rule) return { action: "allow", peers: [], traffic: [] };
    return {
      action: "allow",
      peers: readPeers(at(rule, peers, place.field), namespace, report),
      traffic: readPorts(at(rule, "ports", place.field), report),
    };
  });
  return rules.filter(({ peers: any, traffic }) => any.length > 0 && traffic.length > 0);
}

/** Empty or missing: anybody. Full of faults: nobody. */
function readPeers(place: Place, namespace: string, report: Report): Peer[] {
  if (isOpen(place)) return [{ kind: "any" }];
  const peers = readList(place, "a list of peers", report);
  return peersOf(
    peers.flatMap((each) => sound(report, (own) => readKubernetesPeer(each, namespace, own)) ?? []),
  );
}

/** Empty or missing: everything, of protocols without ports too. Full of faults: nothing. */
function readPorts(place: Place, report: Report): Traffic[] {
  if (isOpen(place)) return [{ kind: "any" }];
  const ports = readList(place, "a list of ports", report);
  return trafficOf(ports.flatMap((each) => sound(report, (own) => readKubernetesPort(each, own)) ?? []));
}

const isOpen = (place: Place): boolean =>
  !isGiven(place) || (Array.isArray(place.value) && place.value.length === 0);

/** What `read` gives, but nothing if it reported a fault. */
function sound<T>(report: Report, read: (report: Report) => T | undefined): T | undefined {
  let isSound = true;
  const result = read((fault) => {
    isSound = false;
    report(fault);
  });
  return isSound ? result : undefined;
}
