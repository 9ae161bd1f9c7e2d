// The first packet of a flow, and what became of it. What conntrack knows already (replies, errors that belong to a flow)
// and neighbour discovery never come before policy.
import type { Ip } from "../net/ip.ts";
import type { Direction, PortProtocol, Traffic } from "../model/policy.ts";

/** Addresses as the pods have them: before any masquerade, after the translation of a service's address. One family. */
export type Packet = { readonly from: Ip; readonly to: Ip } & Payload;
export type Payload =
  /** `port`: of the destination. */
  | { readonly protocol: PortProtocol; readonly port: number }
  | { readonly protocol: "icmp" | "icmpv6"; readonly type: number; readonly code: number }
  | { readonly protocol: "other" };

export type EvaluateOptions = {
  /** TCP ports that no policy on hosts can cut, from and to hosts. */
  readonly failsafePorts: readonly number[];
};

export type Verdict = { readonly allowed: boolean } & Readonly<Record<Direction, Decision>>;
export type Decision =
  /** No policy selects this end in this direction, or it is neither a pod nor a host. */
  | { readonly kind: "open" }
  /** `rule`: index in the policy's rules. */
  | { readonly kind: "allowed"; readonly policy: string; readonly rule: number }
  /** By these, which select this end and have no rule for the packet. */
  | { readonly kind: "denied"; readonly policies: readonly string[] }
  /** Policies have no say: a pod (host) to itself, a host to its own pods, failsafe ports of a host. */
  | { readonly kind: "exempt"; readonly why: "self" | "own-pod" | "failsafe" };

/** The verdict over both ends: the packet passes where neither denies it. */
export const verdictOf = (egress: Decision, ingress: Decision): Verdict => ({
  allowed: egress.kind !== "denied" && ingress.kind !== "denied",
  egress,
  ingress,
});

export const isFailsafe = (packet: Packet, { failsafePorts }: EvaluateOptions): boolean =>
  packet.protocol === "tcp" && failsafePorts.includes(packet.port);

type Numeric = Exclude<Traffic, { kind: "named" }>;

/** Whether the packet is of this kind; names of ports are resolved before. */
export function isOfTraffic(traffic: Numeric, packet: Packet): boolean {
  switch (traffic.kind) {
    case "any":
      return true;
    case "ports":
      return (
        "port" in packet &&
        packet.protocol === traffic.protocol &&
        packet.port >= traffic.first &&
        packet.port <= traffic.last
      );
    case "icmp":
      return (
        "type" in packet &&
        packet.protocol === (traffic.family === 4 ? "icmp" : "icmpv6") &&
        (traffic.type ?? packet.type) === packet.type &&
        (traffic.code ?? packet.code) === packet.code
      );
  }
}
