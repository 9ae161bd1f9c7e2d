// `/blackouts`: ranges that nobody is given an address from. Who has one inside keeps it until it is released.
import type { FastifyInstance } from "fastify";
import { object, string, type Static } from "../../../core/api/schema.ts";
import { BlackoutList, BlackoutReply, BlackoutRequest } from "../../../core/api/types.ts";
import { addressesIn, planBlackout, planBlackoutRemoval } from "../../../core/ipam/blackouts.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Plan } from "../../../core/ipam/types.ts";
import { type Cidr, formatCidr, parseCidr } from "../../../core/net/cidr.ts";
import type { Daemon } from "../daemon.ts";
import { submitRule } from "./network-rules.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";

const RemovalQuery = object({ cidr: string({ maxLength: 64 }) });

export function blackoutRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { mirror } = daemon;
  app.get("/blackouts", { schema: { summary: "Reserved ranges", ...replies(BlackoutList) } }, () => ({
    revision: mirror.revision,
    blackouts: mirror.state.blackouts.values().map(blackoutReply).toArray(),
  }));
  app.post<{ Body: BlackoutRequest }>(
    "/blackouts",
    { schema: { summary: "Reserve a range", body: BlackoutRequest, ...replies(BlackoutReply) } },
    ({ body }) => addBlackout(daemon, body),
  );
  app.delete<{ Querystring: Static<typeof RemovalQuery> }>(
    "/blackouts",
    {
      schema: { summary: "Open a range again", querystring: RemovalQuery, ...replies(BlackoutReply) },
    },
    ({ query }) => submitRule(daemon, (state) => decideRemoval(state, query.cidr)),
  );
}

const blackoutReply = ({ cidr, reason }: { cidr: Cidr; reason: string }) => ({
  cidr: formatCidr(cidr),
  reason,
});

async function addBlackout(daemon: Daemon, body: BlackoutRequest): Promise<BlackoutReply> {
  const blackout = { cidr: parseCidr(body.cidr, "body.cidr"), reason: body.reason ?? "" };
  await submitRule(daemon, (state) => ({ value: undefined, plan: planBlackout(state, blackout) }));
  const inUse = addressesIn(daemon.mirror.state, blackout.cidr);
  return { ...blackoutReply(blackout), in_use: inUse.map(({ name }) => name) };
}

function decideRemoval(state: IpamState, text: string): { value: BlackoutReply; plan: Plan } {
  const cidr = parseCidr(text, "querystring.cidr");
  const blackout = state.blackouts.get(formatCidr(cidr));
  if (!blackout) throw unknownResource("blackout", text);
  return { value: { ...blackoutReply(blackout), in_use: [] }, plan: planBlackoutRemoval(state, cidr) };
}
