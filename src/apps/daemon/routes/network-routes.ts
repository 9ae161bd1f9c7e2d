// Networks, blocks, tenants and segments: read only, straight from the mirror.
import type { FastifyInstance } from "fastify";
import {
  BlockList,
  NetworkList,
  SegmentList,
  TenantList,
  type NetworkReply,
} from "../../../core/api/types.ts";
import { isDrained } from "../../../core/ipam/drain.ts";
import { type TenantCount, usage } from "../../../core/ipam/usage.ts";
import { blockKey, topologyKey } from "../../../core/model/keys.ts";
import type { Block } from "../../../core/model/records.ts";
import type { PolicyTenant } from "../../../core/model/policy.ts";
import { isOwn, ownOf } from "../access/guard.ts";
import type { Daemon } from "../daemon.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";
import { blockReply, networkReply, usageReply } from "./views.ts";

export function networkRoutes(app: FastifyInstance, { mirror }: Daemon): void {
  const list = (wanted: (block: Block) => boolean): BlockList => ({
    revision: mirror.revision,
    blocks: [...mirror.state.blocks.values()]
      .filter(({ block }) => wanted(block))
      .map((indexed) => blockReply(indexed, mirror.revisionOf(blockKey(indexed.block.cidr)))),
  });
  app.get("/networks", { schema: { summary: "Networks", ...replies(NetworkList) } }, (): NetworkReply[] => {
    const { networks } = usage(mirror.state);
    const revision = mirror.revisionOf(topologyKey);
    return mirror.state.topology.networks.map((each) =>
      networkReply(each, revision, isDrained(mirror.state, each), networks.get(each.name)),
    );
  });
  app.get<{ Params: { network: string } }>(
    "/networks/:network/blocks",
    { schema: { summary: "Blocks of a network", ...replies(BlockList) } },
    (request): BlockList => {
      const { network } = request.params;
      const own = ownOf(request);
      if (!mirror.state.network(network)) throw unknownResource("network", network);
      return list((block) => block.network === network && isOwn(own, block));
    },
  );
  app.get("/blocks", { schema: { summary: "All blocks", ...replies(BlockList) } }, (request) => {
    const own = ownOf(request);
    return list((block) => isOwn(own, block));
  });
}

export function tenantRoutes(app: FastifyInstance, { mirror }: Daemon): void {
  app.get(
    "/tenants",
    { schema: { summary: "Tenants that have blocks, or labels", ...replies(TenantList) } },
    (request) => {
      const own = ownOf(request);
      const { tenants: used } = usage(mirror.state);
      const told = mirror.state.tenants;
      const tenants = [...new Set([...used.keys(), ...told.keys()])]
        .filter((id) => own.tenant === undefined || own.tenant === id)
        .map((id) => tenantReply(id, used.get(id), told.get(id)));
      return { revision: mirror.revision, tenants };
    },
  );
  app.get<{ Params: { tenant: string } }>(
    "/tenants/:tenant/segments",
    { schema: { summary: "Segments of a tenant", ...replies(SegmentList) } },
    ({ params }): SegmentList => {
      const tenant = usage(mirror.state).tenants.get(params.tenant);
      if (!tenant) throw unknownResource("tenant", params.tenant);
      const segments = [...tenant.segments].map(([id, count]) => ({ id, ...usageReply(count) }));
      return { revision: mirror.revision, segments };
    },
  );
}

function tenantReply(
  id: string,
  count: Readonly<TenantCount> | undefined,
  told: PolicyTenant | undefined,
): TenantList["tenants"][number] {
  return {
    id,
    segments: [...(count?.segments.keys() ?? [])],
    ...usageReply(count ?? { blocks: 0, addresses: 0 }),
    ...(told && { labels: { ...told.labels } }),
  };
}
