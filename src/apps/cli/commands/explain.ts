// `romana explain FROM TO`.
import type { Command } from "commander";
import type {
  ExplainedDecision,
  ExplainedEnd,
  ExplainedHop,
  ExplainReply,
} from "../../../core/api/explain.ts";
import type { Context } from "../context.ts";
import type { Action } from "./action.ts";

export function explainCommand(program: Command, action: Action): void {
  program
    .command("explain")
    .argument("<from>", "an address, a pod (namespace/name, or its address's name) or a host")
    .argument("<to>", "the same")
    .option("-p, --port <number>", "destination port; without one an echo request is meant")
    .option("--protocol <name>", "tcp, udp, sctp or icmp (default tcp, where there is a port)")
    .description("whether a packet passes, the policies that decide, and its way; exit code 3 if it does not")
    .action(action(explain));
}

/** Exit code of a packet that does not pass. */
const DENIED = 3;
type Options = { readonly port?: string; readonly protocol?: string };

async function explain(
  { client, tell }: Context,
  from: string,
  to: string,
  options: Options,
): Promise<number> {
  const query = new URLSearchParams({ from, to, ...options });
  const reply = await client.request<ExplainReply>("GET", `/explain?${query.toString()}`);
  tell(reply, describe(reply));
  return reply.allowed ? 0 : DENIED;
}

const describe = ({ from, to, packet, egress, ingress, hops, allowed }: ExplainReply): string =>
  [
    ["from", describeEnd(from)],
    ["to", describeEnd(to)],
    ["packet", packet],
    ["egress", describeDecision(egress)],
    ["ingress", describeDecision(ingress)],
    ...hops.map((hop) => ["way", describeHop(hop)]),
    ["verdict", allowed ? "it passes" : "it is dropped"],
  ]
    .map(([word = "", text = ""]) => `${word.padEnd(9)}${text}`)
    .join("\n");

function describeEnd({ ip, kind, pod, host }: ExplainedEnd): string {
  if (kind === "pod") return `${ip}, pod ${pod} on ${host}`;
  return kind === "host" ? `${ip}, host ${host}` : `${ip}, neither pod nor host`;
}

function describeDecision({ kind, policies, rule, allows, why }: ExplainedDecision): string {
  const names = policies.map(({ id, description }) => (description === "" ? id : `${id} (${description})`));
  switch (kind) {
    case "open":
      return "open: no policy selects this end";
    case "exempt":
      return `exempt: ${why}`;
    case "allowed":
      return `allowed by ${names.join()}, rule ${rule}: ${allows}`;
    case "denied":
      return `denied: selected by ${names.join(", ")}, and no rule allows it`;
  }
}

function describeHop({ at, to, ip, prefix, next }: ExplainedHop): string {
  if (to === "pod") return `${at}: to the pod's interface, ${ip}`;
  if (to === "router") return `${at}: to its router`;
  const whose = prefix === undefined ? next : `${prefix} of ${next}`;
  return `${at}: to ${whose} at ${ip}, directly where that is on-link, else by its router`;
}
