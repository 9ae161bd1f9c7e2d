// `/limits`: how many addresses a tenant may have. What it has beyond a limit it keeps.
import type { FastifyInstance } from "fastify";
import { LimitList, LimitReply, LimitRequest } from "../../../core/api/limits.ts";
import { object, optional, string, type Static } from "../../../core/api/schema.ts";
import { planLimit, usedBy } from "../../../core/ipam/limits.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Limit } from "../../../core/model/limit.ts";
import type { Daemon } from "../daemon.ts";
import { submitRule } from "./network-rules.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";

type Whose = { readonly tenant: string; readonly network?: string };
const RemovalQuery = object({
  tenant: string({ maxLength: 253 }),
  network: optional(string({ maxLength: 253 })),
});

export function limitRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { mirror } = daemon;
  app.get(
    "/limits",
    { schema: { summary: "Limits of tenants, and how much they use", ...replies(LimitList) } },
    (): LimitList => {
      const limits = [...mirror.state.limits.values()].flatMap((limit) => rowsOf(mirror.state, limit));
      return { revision: mirror.revision, limits };
    },
  );
  app.post<{ Body: LimitRequest }>(
    "/limits",
    { schema: { summary: "Limit a tenant's addresses", body: LimitRequest, ...replies(LimitReply) } },
    ({ body: { limit, ...whose } }) => setLimit(daemon, whose, limit),
  );
  app.delete<{ Querystring: Static<typeof RemovalQuery> }>(
    "/limits",
    { schema: { summary: "Limit them no longer", querystring: RemovalQuery, ...replies(LimitReply) } },
    ({ query }) => setLimit(daemon, query, undefined),
  );
}

/** Answers with what is set or, where `most` is undefined, with what was. */
async function setLimit(daemon: Daemon, whose: Whose, most: number | undefined): Promise<LimitReply> {
  const limit = await submitRule(daemon, (state) => {
    const { tenant, network } = whose;
    const before = limitOf(state, whose);
    if (most !== undefined && network !== undefined && !state.network(network))
      throw unknownResource("network", network);
    if (most === undefined && before === undefined)
      throw unknownResource("limit", network === undefined ? tenant : `${tenant} in ${network}`);
    return { value: most ?? before ?? 0, plan: planLimit(state, whose, most) };
  });
  return rowOf(daemon.mirror.state, whose, limit);
}

function limitOf({ limits }: IpamState, { tenant, network }: Whose): number | undefined {
  const limit = limits.get(tenant);
  return network === undefined ? limit?.total : limit?.networks[network];
}

function rowsOf(state: IpamState, { tenant, total, networks }: Limit): LimitReply[] {
  const rows = Object.entries(networks).map(([network, most]) => rowOf(state, { tenant, network }, most));
  return total === undefined ? rows : [rowOf(state, { tenant }, total), ...rows];
}

const rowOf = (state: IpamState, whose: Whose, limit: number): LimitReply => ({
  ...{ ...whose, limit },
  allocated_ip_count: usedBy(state, whose.tenant, whose.network),
});
