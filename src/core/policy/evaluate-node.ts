// The verdict as the nodes reach it, each for its own pods, with the chains and sets that they were told: what nft will do.
// By the law of evaluate.property.test.ts it is the verdict of `evaluate`.
import { containsIp } from "../net/cidr.ts";
import { equalIp, type Ip } from "../net/ip.ts";
import type { Isolation, NodeMatch, NodePolicy, NodeTraffic } from "../model/node-policy.ts";
import type { Direction } from "../model/policy.ts";
import {
  type Decision,
  type EvaluateOptions,
  isFailsafe,
  isOfTraffic,
  type Packet,
  verdictOf,
  type Verdict,
} from "./packet.ts";

/** `nodes`: all of them. */
export function evaluateNodes(
  nodes: Iterable<NodePolicy>,
  packet: Packet,
  options: EvaluateOptions,
): Verdict {
  const list = [...nodes];
  const from = endAt(list, packet.from);
  const to = endAt(list, packet.to);
  const exempt = exemption(from, to);
  if (exempt) return verdictOf(exempt, exempt);
  return verdictOf(
    decide("egress", from, packet.to, packet, options),
    decide("ingress", to, packet.from, packet, options),
  );
}

type End = {
  readonly node: NodePolicy;
  /** `undefined`: the host itself. */
  readonly pod: string | undefined;
  readonly isolation: Isolation;
};

function endAt(nodes: readonly NodePolicy[], ip: Ip): End | undefined {
  const has = ({ ips }: { readonly ips: readonly Ip[] }): boolean => ips.some((each) => equalIp(each, ip));
  for (const node of nodes) {
    for (const pod of node.pods.values()) if (has(pod)) return { node, pod: pod.id, isolation: pod };
    if (has(node.host)) return { node, pod: undefined, isolation: node.host };
  }
  return undefined;
}

function exemption(from: End | undefined, to: End | undefined): Decision | undefined {
  if (!from || !to || from.node !== to.node) return undefined;
  if (from.pod === to.pod) return { kind: "exempt", why: "self" };
  return from.pod === undefined ? { kind: "exempt", why: "own-pod" } : undefined;
}

function decide(
  direction: Direction,
  end: End | undefined,
  peer: Ip,
  packet: Packet,
  options: EvaluateOptions,
): Decision {
  if (!end) return { kind: "open" };
  if (end.pod === undefined && isFailsafe(packet, options)) return { kind: "exempt", why: "failsafe" };
  const names = end.isolation[direction];
  if (!names) return { kind: "open" };
  const chains = names.flatMap((name) => end.node.chains.get(name) ?? []);
  for (const { policy, rules } of chains) {
    const found = rules.find(({ match }) => matches(end.node, match, peer, packet));
    if (found) return { kind: "allowed", policy, rule: found.rule };
  }
  return { kind: "denied", policies: chains.map(({ policy }) => policy) };
}

function matches(node: NodePolicy, match: NodeMatch, peer: Ip, packet: Packet): boolean {
  if (match.kind === "endpoints")
    return "port" in packet && packet.protocol === match.protocol && isIn(node, match.set, peer, packet.port);
  const isPeer = match.peers === "any" || match.peers.some((set) => isIn(node, set, peer));
  return isPeer && (match.traffic === "any" || match.traffic.some((each) => isOf(each, packet)));
}

function isIn({ sets }: NodePolicy, name: string, ip: Ip, port?: number): boolean {
  const elements = sets.get(name)?.elements.values() ?? [];
  for (const element of elements) if (element.port === port && containsIp(element.cidr, ip)) return true;
  return false;
}

function isOf(traffic: NodeTraffic, packet: Packet): boolean {
  if (traffic.kind === "icmp") return isOfTraffic(traffic, packet);
  const { protocol, ranges } = traffic;
  return ranges.some((range) => isOfTraffic({ kind: "ports", protocol, ...range }, packet));
}
