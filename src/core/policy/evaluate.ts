// The executable specification: what policies mean for one packet, from the policies themselves, one by one. It knows nothing
// of sets and chains; what is enforced is measured against it. Slow on purpose: every line is a sentence of docs/design/policy.md.
import { containsIp } from "../net/cidr.ts";
import { equalIp, type Ip } from "../net/ip.ts";
import type {
  Direction,
  Peer,
  Policy,
  PolicyHost,
  PolicyPod,
  PolicyTenant,
  Rule,
  Subject,
  Traffic,
} from "../model/policy.ts";
import { byId } from "./canonical.ts";
import {
  type Decision,
  type EvaluateOptions,
  isFailsafe,
  isOfTraffic,
  type Packet,
  verdictOf,
  type Verdict,
} from "./packet.ts";
import { type LabelsOf, selectsPod } from "./select.ts";

/** All by name or id. Addresses belong to one pod or host. */
export type PolicyWorld = {
  readonly policies: ReadonlyMap<string, Policy>;
  readonly tenants: ReadonlyMap<string, PolicyTenant>;
  readonly pods: ReadonlyMap<string, PolicyPod>;
  readonly hosts: ReadonlyMap<string, PolicyHost>;
};

/** Who has an address. */
type End =
  | { readonly kind: "pod"; readonly ip: Ip; readonly pod: PolicyPod }
  | { readonly kind: "host"; readonly ip: Ip; readonly host: PolicyHost }
  | { readonly kind: "outside"; readonly ip: Ip };

/** One direction of one packet, seen from the end that policies may isolate. */
type Case = {
  readonly direction: Direction;
  readonly subject: End;
  readonly peer: End;
  /** The end whose names of ports count. */
  readonly to: End;
  readonly packet: Packet;
  readonly labelsOf: LabelsOf;
};

export function evaluate(world: PolicyWorld, packet: Packet, options: EvaluateOptions): Verdict {
  const from = endAt(world, packet.from);
  const to = endAt(world, packet.to);
  const exempt = exemption(from, to);
  if (exempt) return verdictOf(exempt, exempt);
  const labelsOf: LabelsOf = (tenant) => world.tenants.get(tenant)?.labels ?? {};
  const common = { packet, to, labelsOf };
  return verdictOf(
    decide(world, { ...common, direction: "egress", subject: from, peer: to }, options),
    decide(world, { ...common, direction: "ingress", subject: to, peer: from }, options),
  );
}

function endAt({ pods, hosts }: PolicyWorld, ip: Ip): End {
  const has = (ips: readonly Ip[]): boolean => ips.some((each) => equalIp(each, ip));
  for (const pod of pods.values()) if (!pod.hostNetwork && has(pod.ips)) return { kind: "pod", ip, pod };
  for (const host of hosts.values()) if (has(host.ips)) return { kind: "host", ip, host };
  return { kind: "outside", ip };
}

function exemption(from: End, to: End): Decision | undefined {
  if (from.kind === "pod" && to.kind === "pod" && from.pod.id === to.pod.id)
    return { kind: "exempt", why: "self" };
  if (from.kind === "host" && to.kind === "host" && from.host.name === to.host.name)
    return { kind: "exempt", why: "self" };
  if (from.kind === "host" && to.kind === "pod" && from.host.name === to.pod.host)
    return { kind: "exempt", why: "own-pod" };
  return undefined;
}

function decide(world: PolicyWorld, at: Case, options: EvaluateOptions): Decision {
  if (at.subject.kind === "host" && isFailsafe(at.packet, options))
    return { kind: "exempt", why: "failsafe" };
  const isolating = [...world.policies.values()]
    .filter(({ direction, subjects }) => direction === at.direction && subjects.some((s) => isSubject(s, at)))
    .sort(byId);
  if (isolating.length === 0) return { kind: "open" };
  for (const { id, rules } of isolating) {
    const rule = rules.findIndex((each) => ruleMatches(each, at));
    if (rule >= 0) return { kind: "allowed", policy: id, rule };
  }
  return { kind: "denied", policies: isolating.map(({ id }) => id) };
}

function isSubject(subject: Subject, { subject: end, labelsOf }: Case): boolean {
  switch (subject.kind) {
    case "pods":
      return end.kind === "pod" && selectsPod(subject.selector, end.pod, labelsOf);
    case "cidr":
      return end.kind === "pod" && end.pod.ips.some((ip) => containsIp(subject.cidr, ip));
    case "hosts":
      return end.kind === "host";
  }
}

const ruleMatches = ({ peers, traffic }: Rule, at: Case): boolean =>
  peers.some((peer) => isPeer(peer, at)) && traffic.some((each) => trafficMatches(each, at));

function isPeer(peer: Peer, { subject, peer: end, labelsOf }: Case): boolean {
  switch (peer.kind) {
    case "any":
      return true;
    case "pods":
      return end.kind === "pod" && selectsPod(peer.selector, end.pod, labelsOf);
    case "cidr":
      return containsIp(peer.cidr, end.ip) && !peer.except.some((cidr) => containsIp(cidr, end.ip));
    case "hosts":
      return end.kind === "host";
    case "local":
      return end.kind === "pod" && end.pod.host === hostOf(subject);
  }
}

function hostOf(end: End): string | undefined {
  if (end.kind === "pod") return end.pod.host;
  return end.kind === "host" ? end.host.name : undefined;
}

function trafficMatches(traffic: Traffic, { packet, to }: Case): boolean {
  if (traffic.kind !== "named") return isOfTraffic(traffic, packet);
  if (to.kind !== "pod" || !("port" in packet) || packet.protocol !== traffic.protocol) return false;
  return to.pod.ports.some(
    ({ name, protocol, port }) =>
      name === traffic.name && protocol === traffic.protocol && port === packet.port,
  );
}
