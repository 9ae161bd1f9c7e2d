// `GET /ipam/usage` and `GET /ipam/address`: what is given out, and everything about one address.
import type { FastifyInstance } from "fastify";
import {
  type AddressInfo,
  AddressInfoReply,
  type GroupUseReply,
  UsageReply,
} from "../../../core/api/ipam.ts";
import { object, type Static, string } from "../../../core/api/schema.ts";
import { describeAddress } from "../../../core/ipam/describe-address.ts";
import { type GroupUse, type Utilisation, utilisation } from "../../../core/ipam/utilisation.ts";
import { addressKey, blockKey } from "../../../core/model/keys.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { formatIp, type Ip, tryParseIp } from "../../../core/net/ip.ts";
import { COOLDOWN } from "./address-routes.ts";
import type { Daemon } from "../daemon.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";

const AddressQuery = object({ of: string({ minLength: 1, maxLength: 512 }) });

export function usageRoutes(app: FastifyInstance, daemon: Daemon): void {
  app.get(
    "/ipam/usage",
    { schema: { summary: "How full networks, groups and tenants are", ...replies(UsageReply) } },
    () => usageReply(daemon),
  );
  app.get<{ Querystring: Static<typeof AddressQuery> }>(
    "/ipam/address",
    {
      schema: {
        summary: "Everything about one address, or those of a name",
        querystring: AddressQuery,
        ...replies(AddressInfoReply),
      },
    },
    ({ query: { of } }): AddressInfoReply => ({
      revision: daemon.mirror.revision,
      addresses: ipsOf(daemon, of).map((ip) => addressInfo(daemon, ip)),
    }),
  );
}

export const utilisationOf = ({ mirror, clock }: Daemon): Utilisation =>
  utilisation(mirror.state, { now: clock.now(), cooldown: COOLDOWN });

function usageReply(daemon: Daemon): UsageReply {
  const { groups, tenants } = utilisationOf(daemon);
  return {
    revision: daemon.mirror.revision,
    groups: groups.map(groupUseReply),
    tenants: [...tenants].map(([tenant, tally]) => ({ tenant, ...tally })),
  };
}

function groupUseReply(use: GroupUse): GroupUseReply {
  const { network, group, prefix, blocks, used, cooling, quarantined, largestFree } = use;
  const size = Number(use.size);
  return {
    ...{ network, group, cidr: formatCidr(prefix), blocks, used, cooling, quarantined, size },
    ...{ reserved: Number(use.reserved), free: Number(use.free), percent: (100 * used) / size },
    ...(largestFree && { largest_free: formatCidr(largestFree) }),
  };
}

function ipsOf({ mirror: { state } }: Daemon, of: string): Ip[] {
  const ip = tryParseIp(of);
  const address = state.addresses.get(of);
  if (ip) return [ip];
  if (!address) throw unknownResource("address", of);
  return address.ips.map((each) => each.ip);
}

function addressInfo({ mirror, clock }: Daemon, ip: Ip): AddressInfo {
  const said = describeAddress(mirror.state, ip, { now: clock.now(), cooldown: COOLDOWN });
  const { state, since, network, group, block, holder } = said;
  const keys = [...(holder ? [addressKey(holder.name)] : []), ...(block ? [blockKey(block.cidr)] : [])];
  return {
    ...{ ip: formatIp(ip), state },
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(network !== undefined && { network }),
    ...(group !== undefined && { group }),
    ...(block && {
      block: formatCidr(block.cidr),
      host: block.host,
      tenant: block.tenant,
      segment: block.segment,
    }),
    ...(holder && { name: holder.name, sequence: holder.sequence }),
    ...(holder?.pod !== undefined && { pod: holder.pod }),
    evidence: keys.map((key) => ({ key, revision: mirror.revisionOf(key) })),
  };
}
