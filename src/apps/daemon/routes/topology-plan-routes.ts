// `/topology/plan` and `/topology/conflicts`: what a topology would change. Writes nothing.
import type { FastifyInstance } from "fastify";
import { InputError } from "../../../base/errors.ts";
import {
  ConflictPage,
  ConflictQuery,
  PageQuery,
  TopologyPlanReply,
} from "../../../core/api/topology-plan.ts";
import { TopologyDocument } from "../../../core/api/types.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import { topologyEffects } from "../../../core/ipam/topology-change.ts";
import type { Host } from "../../../core/model/records.ts";
import type { Topology } from "../../../core/model/topology.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { groupChanges } from "../../../core/topology/diff.ts";
import { planTopology } from "../../../core/topology/plan.ts";
import { parseDocumentOn } from "../apply-topology.ts";
import type { Daemon } from "../daemon.ts";
import { replies } from "./route-schemas.ts";

export function topologyPlanRoutes(app: FastifyInstance, { mirror, conflictLists }: Daemon): void {
  app.post<{ Querystring: PageQuery }>(
    "/topology/plan",
    {
      schema: {
        summary: "What a topology would change",
        body: TopologyDocument,
        querystring: PageQuery,
        ...replies(TopologyPlanReply),
      },
      // As of `POST /topology`.
      validatorCompiler: () => () => true,
    },
    ({ body, query }): TopologyPlanReply => {
      const next = parseDocumentOn(mirror.state, body);
      const { conflicts, ...changes } = changesTo(mirror.state, next);
      const list = { revision: mirror.revision, conflicts };
      return { ...changes, conflicts: conflictLists.first(list, limitOf(query)) };
    },
  );
  app.get<{ Querystring: ConflictQuery }>(
    "/topology/conflicts",
    {
      schema: {
        summary: "More of the addresses that stand against a topology",
        querystring: ConflictQuery,
        ...replies(ConflictPage),
      },
    },
    ({ query }) => conflictLists.next(query.continue, limitOf(query)),
  );
}

function limitOf({ limit }: PageQuery): number | undefined {
  if (limit === undefined || /^[1-9]\d{0,4}$/.test(limit))
    return limit === undefined ? undefined : Number(limit);
  const expected = "a number from 1 to 99999";
  throw new InputError({ code: "LIMIT", field: "querystring.limit", value: limit, expected });
}

function changesTo(state: IpamState, next: Topology) {
  const { conflicts, deleted, regrouped } = topologyEffects(state, next);
  const paths = (host: Host | undefined): (string | null)[] =>
    (host?.groups ?? []).map((path) => path ?? null);
  return {
    conflicts,
    groups: groupChanges(state.topology, next).map(({ network, group, before, after }) => ({
      ...{ network, group },
      ...(before && { before: formatCidr(before) }),
      ...(after && { after: formatCidr(after) }),
    })),
    hosts: regrouped.map((host) => ({
      name: host.name,
      before: paths(state.hosts.get(host.name)),
      after: paths(host),
    })),
    blocks: deleted.map(formatCidr),
    warnings: planTopology(next).topologies.flatMap(({ warnings }) => warnings.map(({ text }) => text)),
  };
}
