// `/topology/plan`: what a topology would change. Writes nothing, and keeps nothing: a page is a function of the state, the topology and where it begins,
// so the next one may be asked of another daemon.
import type { FastifyInstance } from "fastify";
import { InputError } from "../../../base/errors.ts";
import { type ConflictPage, PageQuery, TopologyPlanReply } from "../../../core/api/topology-plan.ts";
import { TopologyDocument } from "../../../core/api/types.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import { topologyEffects } from "../../../core/ipam/topology-change.ts";
import type { Conflict } from "../../../core/ipam/types.ts";
import type { Host } from "../../../core/model/records.ts";
import type { Topology } from "../../../core/model/topology.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { compareIp, parseIp } from "../../../core/net/ip.ts";
import { groupChanges } from "../../../core/topology/diff.ts";
import { planTopology } from "../../../core/topology/plan.ts";
import { parseDocumentOn } from "../apply-topology.ts";
import type { Daemon } from "../daemon.ts";
import { replies } from "./route-schemas.ts";

/** Conflicts of a page, where the request does not say. */
const PAGE = 500;

export function topologyPlanRoutes(app: FastifyInstance, { mirror }: Daemon): void {
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
      return { ...changes, conflicts: { revision: mirror.revision, ...pageOf(conflicts, query) } };
    },
  );
}

/** `continue` is the last address of the page before; all stand in their order. */
function pageOf(conflicts: readonly Conflict[], query: PageQuery): Omit<ConflictPage, "revision"> {
  const limit = limitOf(query);
  const last = query.continue === undefined ? undefined : parseIp(query.continue, "querystring.continue");
  const rest = last ? conflicts.filter(({ ip }) => compareIp(parseIp(ip), last) > 0) : conflicts;
  const page = rest.slice(0, limit);
  const end = rest.length > limit ? page.at(-1)?.ip : undefined;
  return { total: conflicts.length, conflicts: page, ...(end === undefined ? {} : { continue: end }) };
}

function limitOf({ limit }: PageQuery): number {
  if (limit === undefined) return PAGE;
  if (/^[1-9]\d{0,4}$/.test(limit)) return Number(limit);
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
