// `GET /explain`: whether a packet passes, and why.
import { array, boolean, integer, object, oneOf, optional, type Static, string } from "./schema.ts";
import { Revision, Text } from "./types.ts";

const End = string({ minLength: 1, maxLength: 512, description: "an address, a pod or a host" });
export type ExplainQuery = Static<typeof ExplainQuery>;
export const ExplainQuery = object({
  from: End,
  to: End,
  protocol: optional(oneOf("tcp", "udp", "sctp", "icmp")),
  port: optional(string({ pattern: "^\\d{1,5}$", description: "a port, a whole number from 1 to 65535" })),
});

export type ExplainedEnd = Static<typeof ExplainedEnd>;
/** `kind` "pod", "host" or "outside". `host`: where a pod is, or the host itself. */
const ExplainedEnd = object({
  ip: Text,
  kind: oneOf("pod", "host", "outside"),
  pod: optional(Text),
  host: optional(Text),
});

export type ExplainedDecision = Static<typeof ExplainedDecision>;
/** `policies`: the one that allows, or those that deny. `rule`: its index in that one, `allows` what it says. `why`: of an exemption. */
const ExplainedDecision = object({
  kind: oneOf("open", "allowed", "denied", "exempt"),
  policies: array(object({ id: Text, description: Text })),
  rule: optional(integer()),
  allows: optional(Text),
  why: optional(Text),
});

/** Where the packet goes from `at`: to the pod there, to the host that has `prefix`, or to the node's own router. */
export type ExplainedHop = Static<typeof ExplainedHop>;
const ExplainedHop = object({
  at: Text,
  to: oneOf("pod", "host", "router"),
  ip: optional(Text),
  prefix: optional(Text),
  next: optional(Text),
});

export type ExplainReply = Static<typeof ExplainReply>;
export const ExplainReply = object({
  revision: Revision,
  allowed: boolean(),
  /** "tcp 80", "icmp". */
  packet: Text,
  from: ExplainedEnd,
  to: ExplainedEnd,
  egress: ExplainedDecision,
  ingress: ExplainedDecision,
  hops: array(ExplainedHop),
});
