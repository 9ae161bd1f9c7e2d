// A policy as Romana's JSON (R5), in one canonical form: what `GET /policies` answers and what the store holds. Reading it back
// gives the same policy.
import { formatCidr } from "../net/cidr.ts";
import {
  type Direction,
  type Peer,
  type PodSelector,
  type Policy,
  type PortProtocol,
  type Requirement,
  type Rule,
  SEGMENT_LABEL,
  type Subject,
  type Traffic,
} from "../model/policy.ts";
import { isName } from "../model/read-fields.ts";
import { ALL_PORTS } from "./canonical.ts";

export type PolicyJson = {
  id: string;
  description?: string;
  direction: Direction;
  applied_to: EndpointJson[];
  ingress: { peers: EndpointJson[]; rules: RuleJson[] }[];
};
export type EndpointJson = {
  peer?: "any" | "host" | "local";
  dest?: "host" | "local";
  tenant_id?: string;
  namespace_selector?: SelectorJson;
  segment_id?: string;
  pod_selector?: SelectorJson;
  cidr?: string;
  except?: string[];
};
export type SelectorJson = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: Requirement["operator"]; values?: string[] }[];
};
export type RuleJson = {
  protocol: "any" | PortProtocol | "icmp" | "icmpv6";
  ports?: number[];
  port_ranges?: [number, number][];
  port_names?: string[];
  icmp_type?: number;
  icmp_code?: number;
};

export function policyDocument({ id, description, direction, subjects, rules }: Policy): PolicyJson {
  return {
    id,
    ...(description === "" ? {} : { description }),
    direction,
    applied_to: subjects.map(subjectJson),
    ingress: rules.map(ruleJson),
  };
}

function subjectJson(subject: Subject): EndpointJson {
  switch (subject.kind) {
    case "hosts":
      return { dest: "host" };
    case "cidr":
      return { cidr: formatCidr(subject.cidr) };
    case "pods":
      return isEveryPod(subject.selector) ? { dest: "local" } : podsJson(subject.selector);
  }
}

const isEveryPod = ({ tenants, labels }: PodSelector): boolean =>
  tenants.kind === "labelled" && tenants.labels.length === 0 && labels.length === 0;

function peerJson(peer: Peer): EndpointJson {
  switch (peer.kind) {
    case "any":
    case "local":
      return { peer: peer.kind };
    case "hosts":
      return { peer: "host" };
    case "pods":
      return podsJson(peer.selector);
    case "cidr": {
      const { cidr, except } = peer;
      return {
        cidr: formatCidr(cidr),
        ...(except.length > 0 ? { except: except.map(formatCidr) } : {}),
      };
    }
  }
}

function podsJson({ tenants, labels }: PodSelector): EndpointJson {
  const segment = labels.find(
    (each) => each.key === SEGMENT_LABEL && isEquality(each) && each.values.every(isName),
  );
  const others = labels.filter((each) => each !== segment);
  return {
    ...(tenants.kind === "named"
      ? { tenant_id: tenants.name }
      : { namespace_selector: selectorJson(tenants.labels) }),
    ...(segment?.values[0] === undefined ? {} : { segment_id: segment.values[0] }),
    ...(others.length > 0 ? { pod_selector: selectorJson(others) } : {}),
  };
}

const isEquality = ({ operator, values }: Requirement): boolean => operator === "In" && values.length === 1;

/** `matchLabels` for equality, but of two values for one label only the first: an object holds no more. */
function selectorJson(labels: readonly Requirement[]): SelectorJson {
  const equal = new Map<string, string>();
  const expressions: Requirement[] = [];
  for (const each of labels)
    if (isEquality(each) && !equal.has(each.key)) equal.set(each.key, each.values[0] ?? "");
    else expressions.push(each);
  return {
    ...(equal.size > 0 ? { matchLabels: Object.fromEntries(equal) } : {}),
    ...(expressions.length > 0 ? { matchExpressions: expressions.map(expressionJson) } : {}),
  };
}

const expressionJson = ({
  key,
  operator,
  values,
}: Requirement): NonNullable<SelectorJson["matchExpressions"]>[number] => ({
  key,
  operator,
  ...(values.length > 0 ? { values: [...values] } : {}),
});

const ruleJson = ({ peers, traffic }: Rule): PolicyJson["ingress"][number] => ({
  peers: peers.map(peerJson),
  rules: rulesJson(traffic),
});

/** One element for each protocol, and for each ICMP type. */
function rulesJson(traffic: readonly Traffic[]): RuleJson[] {
  const rules = new Map<string, RuleJson>();
  for (const each of traffic) {
    if (each.kind === "any") rules.set("any", { protocol: "any" });
    else if (each.kind === "icmp") rules.set(JSON.stringify(each), icmpJson(each));
    else rules.set(each.protocol, withPorts(rules.get(each.protocol) ?? { protocol: each.protocol }, each));
  }
  return [...rules.values()];
}

function icmpJson({ family, type, code }: Extract<Traffic, { kind: "icmp" }>): RuleJson {
  return {
    protocol: family === 4 ? "icmp" : "icmpv6",
    ...(type === undefined ? {} : { icmp_type: type }),
    ...(code === undefined ? {} : { icmp_code: code }),
  };
}

function withPorts(rule: RuleJson, each: Extract<Traffic, { kind: "ports" | "named" }>): RuleJson {
  if (each.kind === "named") return { ...rule, port_names: [...(rule.port_names ?? []), each.name] };
  const { first, last } = each;
  if (first === ALL_PORTS.first && last === ALL_PORTS.last) return rule;
  if (first === last) return { ...rule, ports: [...(rule.ports ?? []), first] };
  return { ...rule, port_ranges: [...(rule.port_ranges ?? []), [first, last]] };
}
