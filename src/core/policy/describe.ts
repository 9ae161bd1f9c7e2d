// Policies in words, for people: one line for each thing, long lists cut.
import { formatCidr } from "../net/cidr.ts";
import { ALL_PORTS } from "./canonical.ts";
import type { Peer, PodSelector, Requirement, Rule, Subject, Traffic } from "../model/policy.ts";

export const describeSubject = (subject: Subject): string =>
  subject.kind === "cidr" ? `pods in ${formatCidr(subject.cidr)}` : describePeer(subject);

export function describePeer(peer: Peer): string {
  switch (peer.kind) {
    case "any":
      return "anybody";
    case "hosts":
      return "every host";
    case "local":
      return "the pods of this host";
    case "pods":
      return describePods(peer.selector);
    case "cidr":
      return `${formatCidr(peer.cidr)}${peer.except.length > 0 ? " with exceptions" : ""}`;
  }
}

export function describePods({ tenants, labels }: PodSelector): string {
  const whose =
    tenants.kind === "named"
      ? ` of ${tenants.name}`
      : tenants.labels.length > 0
        ? ` of tenants with ${shorten(tenants.labels.map(describeRequirement))}`
        : "";
  const which = labels.length > 0 ? ` with ${shorten(labels.map(describeRequirement))}` : "";
  return `${which === "" ? "all " : ""}pods${whose}${which}`;
}

function describeRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${shorten(values)})`;
    case "NotIn":
      return `${key} not in (${shorten(values)})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `no ${key}`;
  }
}

const SHOWN = 4;
export const shorten = (list: readonly string[]): string =>
  list.length <= SHOWN
    ? list.join(", ")
    : `${list.slice(0, SHOWN).join(", ")} and ${list.length - SHOWN} more`;

/** What it allows: "tcp 80 with all pods of shop". */
export const describeRule = ({ peers, traffic }: Rule): string =>
  `${shorten(traffic.map(describeTraffic))} with ${shorten(peers.map(describePeer))}`;

function describeTraffic(traffic: Traffic): string {
  switch (traffic.kind) {
    case "any":
      return "anything";
    case "ports":
      return `${traffic.protocol}${portsOf(traffic)}`;
    case "named":
      return `${traffic.protocol} ${traffic.name}`;
    case "icmp": {
      const type = traffic.type === undefined ? "" : ` type ${traffic.type}`;
      const code = traffic.code === undefined ? "" : ` code ${traffic.code}`;
      return `${traffic.family === 4 ? "icmp" : "icmpv6"}${type}${code}`;
    }
  }
}

function portsOf({ first, last }: Extract<Traffic, { kind: "ports" }>): string {
  if (first === last) return ` ${first}`;
  return first === ALL_PORTS.first && last === ALL_PORTS.last ? "" : ` ${first}-${last}`;
}
