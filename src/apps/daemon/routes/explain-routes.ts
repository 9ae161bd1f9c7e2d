// `GET /explain`: whether a packet passes by the policies, which of them decide, and the way that it takes. From the records, not from the nodes.
import type { FastifyInstance } from "fastify";
import { InputError } from "../../../base/errors.ts";
import {
  type ExplainedDecision,
  type ExplainedEnd,
  type ExplainedHop,
  ExplainQuery,
  ExplainReply,
} from "../../../core/api/explain.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { formatIp } from "../../../core/net/ip.ts";
import { describeRule } from "../../../core/policy/describe.ts";
import { evaluate } from "../../../core/policy/evaluate.ts";
import type { Decision, Packet, Payload } from "../../../core/policy/packet.ts";
import type { Daemon } from "../daemon.ts";
import { type End, endsOf } from "./explain-ends.ts";
import { replies } from "./route-schemas.ts";

export function explainRoutes(app: FastifyInstance, { mirror }: Daemon): void {
  app.get<{ Querystring: ExplainQuery }>(
    "/explain",
    {
      schema: {
        summary: "Whether a packet passes, and why; without a port an echo request",
        querystring: ExplainQuery,
        ...replies(ExplainReply),
      },
    },
    ({ query }): ExplainReply => ({ revision: mirror.revision, ...explain(mirror.state, query) }),
  );
}

function explain(state: IpamState, query: ExplainQuery): Omit<ExplainReply, "revision"> {
  const { from, to } = endsOf(state, query.from, query.to);
  const packet: Packet = { from: from.ip, to: to.ip, ...payloadOf(query, from) };
  const pods = [from, to].flatMap(({ pod }) => (pod ? [[pod.id, pod] as const] : []));
  // Only the ends count, so there need not be others. What hosts keep open is a choice of each agent.
  const world = { ...state, pods: new Map(pods) };
  const { allowed, egress, ingress } = evaluate(world, packet, { failsafePorts: [] });
  return {
    allowed,
    packet: "port" in packet ? `${packet.protocol} ${packet.port}` : packet.protocol,
    from: endReply(from),
    to: endReply(to),
    egress: decisionReply(state, egress),
    ingress: decisionReply(state, ingress),
    hops: hopsOf(state, from, to),
  };
}

function payloadOf({ protocol, port }: ExplainQuery, { ip }: End): Payload {
  if (port === undefined && (protocol === undefined || protocol === "icmp"))
    return ip.family === 4
      ? { protocol: "icmp", type: 8, code: 0 }
      : { protocol: "icmpv6", type: 128, code: 0 };
  const number = Number(port ?? 0);
  const expected = "a port, a whole number from 1 to 65535";
  if (number < 1 || number > 65535)
    throw new InputError({ code: "PORT", field: "query.port", value: port, expected });
  if (protocol === "icmp")
    throw new InputError({ code: "PORT", field: "query.port", value: port, expected: "none with icmp" });
  return { protocol: protocol ?? "tcp", port: number };
}

const endReply = ({ ip, pod, host }: End): ExplainedEnd => ({
  ip: formatIp(ip),
  kind: pod ? "pod" : host === undefined ? "outside" : "host",
  ...(pod && { pod: pod.id }),
  ...(host !== undefined && { host }),
});

function decisionReply({ policies }: IpamState, decision: Decision): ExplainedDecision {
  const told = (id: string) => ({ id, description: policies.get(id)?.description ?? "" });
  switch (decision.kind) {
    case "open":
      return { kind: "open", policies: [] };
    case "exempt":
      return { kind: "exempt", policies: [], why: EXEMPTIONS[decision.why] };
    case "denied":
      return { kind: "denied", policies: decision.policies.map(told) };
    case "allowed": {
      const { policy, rule } = decision;
      const allowing = policies.get(policy)?.rules[rule];
      return {
        kind: "allowed",
        policies: [told(policy)],
        rule,
        allows: allowing ? describeRule(allowing) : "",
      };
    }
  }
}

const EXEMPTIONS = {
  self: "nobody is kept from itself",
  "own-pod": "a host always reaches its own pods",
  failsafe: "a failsafe port of a host",
} as const;

/** Each host routes by prefixes: to a host that is on-link to it, and all else to its own router. */
function hopsOf(state: IpamState, from: End, to: End): ExplainedHop[] {
  const hops: ExplainedHop[] = [];
  if (from.host !== undefined && from.host !== to.host) hops.push(hopAway(state, from.host, to));
  if (to.pod && to.host !== undefined) hops.push({ at: to.host, to: "pod", ip: formatIp(to.ip) });
  return hops;
}

function hopAway(state: IpamState, at: string, { ip, host }: End): ExplainedHop {
  const block = state.blockAt(ip)?.block;
  const next = state.hosts.get(host ?? "")?.ips.find(({ family }) => family === ip.family);
  if (host === undefined || !next) return { at, to: "router" };
  return { at, to: "host", next: host, ip: formatIp(next), ...(block && { prefix: formatCidr(block.cidr) }) };
}
