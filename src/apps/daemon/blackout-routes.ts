// `/blackouts`: ranges that nobody is given an address from. Who has one inside keeps it until it is released.
import type { FastifyInstance } from "fastify";
import { object, string, type Static } from "../../core/api/schema.ts";
import { BlackoutList, BlackoutReply, BlackoutRequest } from "../../core/api/types.ts";
import { planBlackout, planBlackoutRemoval } from "../../core/ipam/blackouts.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import { type Cidr, formatCidr, parseCidr } from "../../core/net/cidr.ts";
import type { Daemon } from "./daemon.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";
import type { Decision } from "./writer.ts";

const RemovalQuery = object({ cidr: string({ maxLength: 64 }) });

export function blackoutRoutes(app: FastifyInstance, { mirror, writer }: Daemon): void {
  app.get("/blackouts", { schema: { summary: "Reserved ranges", ...replies(BlackoutList) } }, () => ({
    revision: mirror.revision,
    blackouts: mirror.state.blackouts.values().map(blackoutReply).toArray(),
  }));
  app.post<{ Body: BlackoutRequest }>(
    "/blackouts",
    { schema: { summary: "Reserve a range", body: BlackoutRequest, ...replies(BlackoutReply) } },
    ({ body }) => writer.submit((state) => decideBlackout(state, body)),
  );
  app.delete<{ Querystring: Static<typeof RemovalQuery> }>(
    "/blackouts",
    {
      schema: { summary: "Open a range again", querystring: RemovalQuery, ...replies(BlackoutReply) },
    },
    ({ query }) => writer.submit((state) => decideRemoval(state, query.cidr)),
  );
}

const blackoutReply = ({ cidr, reason }: { cidr: Cidr; reason: string }) => ({
  cidr: formatCidr(cidr),
  reason,
});

function decideBlackout(state: IpamState, body: BlackoutRequest): Decision<BlackoutReply> {
  const blackout = { cidr: parseCidr(body.cidr, "body.cidr"), reason: body.reason ?? "" };
  const plan = planBlackout(state, blackout);
  return { value: { ...blackoutReply(blackout), in_use: plan.inUse.map(({ name }) => name) }, plan };
}

function decideRemoval(state: IpamState, text: string): Decision<BlackoutReply> {
  const cidr = parseCidr(text, "querystring.cidr");
  const blackout = state.blackouts.get(formatCidr(cidr));
  if (!blackout) throw unknownResource("blackout", text);
  return { value: { ...blackoutReply(blackout), in_use: [] }, plan: planBlackoutRemoval(state, cidr) };
}
