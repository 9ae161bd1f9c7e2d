// `/address` and `/addresses`: the allocation path. Nothing here reads the store.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { object, optional, string, type Static } from "../../../core/api/schema.ts";
import { Seconds } from "../../../base/clock.ts";
import { AddressList, AddressReply, AddressRequest, ReleaseReply } from "../../../core/api/types.ts";
import { allocate } from "../../../core/ipam/allocate.ts";
import { release } from "../../../core/ipam/release.ts";
import { planFound } from "../../../core/ipam/evidence.ts";
import type { AllocateRequest, ReleaseRequest } from "../../../core/ipam/types.ts";
import { parseIp, tryParseIp } from "../../../core/net/ip.ts";
import { isOwn, type Own, ownOf } from "../access/guard.ts";
import type { Daemon } from "../daemon.ts";
import { allocationRefused, releaseRefused } from "./refusal.ts";
import { replies } from "./route-schemas.ts";
import { addressReply } from "./views.ts";
import type { Decide, Decision } from "../writer.ts";

/** A freed address rests this long while others are free: connections to its former holder die first. */
export const COOLDOWN = Seconds(30);

const ReleaseQuery = object({
  addressName: string({ minLength: 1, maxLength: 512 }),
  sequence: optional(string({ pattern: "^\\d{1,16}$" })),
  host: optional(string()),
});
const AddressFilter = object({
  host: optional(string()),
  tenant: optional(string()),
  segment: optional(string()),
  network: optional(string()),
});

export function addressRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { writer, mirror } = daemon;
  app.post<{ Body: AddressRequest }>(
    "/address",
    {
      schema: {
        summary: "Allocate an address of each family",
        body: AddressRequest,
        ...replies(AddressReply),
      },
    },
    async (request) => allocateAddress(daemon, request),
  );
  app.delete<{ Querystring: Static<typeof ReleaseQuery> }>(
    "/address",
    { schema: { summary: "Release by name or IP", querystring: ReleaseQuery, ...replies(ReleaseReply) } },
    async (request) => {
      const { query } = request;
      const own = ownOf(request);
      const decide = () => decideRelease(daemon, releaseRequest(query), own, query.addressName);
      return writer.submit(decide, { isWanted: () => isThere(request) });
    },
  );
  app.get<{ Querystring: Static<typeof AddressFilter> }>(
    "/addresses",
    { schema: { summary: "Allocated addresses", querystring: AddressFilter, ...replies(AddressList) } },
    (request): AddressList => {
      const { network, ...fields } = request.query;
      const wanted = Object.entries({ ...fields, ...ownOf(request) }) as [
        "host" | "tenant" | "segment",
        string,
      ][];
      const matches = mirror.state.addresses
        .values()
        .filter((address) => wanted.every(([field, value]) => address[field] === value))
        .filter(({ ips }) => network === undefined || ips.some((each) => each.network === network));
      return { revision: mirror.revision, addresses: [...matches.map(addressReply)] };
    },
  );
}

function allocateAddress(
  daemon: Daemon,
  asked: FastifyRequest<{ Body: AddressRequest }>,
): Promise<AddressReply> {
  const request = allocateRequest(asked.body);
  const decide: Decide<AddressReply> = (state, isCrowded) => {
    daemon.adoption.check(state);
    return decideAllocation(daemon, request, isCrowded);
  };
  return daemon.writer.submit(decide, { isWanted: () => isThere(asked) });
}

/** Who asked still waits for the answer. */
const isThere = ({ raw: { socket } }: FastifyRequest): boolean => !socket.destroyed && !socket.readableEnded;

function allocateRequest(body: AddressRequest): AllocateRequest {
  const { name, host, tenant, segment = "", ips, networks = [], pod } = body;
  return {
    ...{ name, host, tenant, segment },
    ...(ips && { ips: ips.map((ip, i) => parseIp(ip, `body.ips[${i}]`)) }),
    ...(networks.length > 0 && { networks }),
    ...(pod !== undefined && { pod }),
  };
}

/** Daemons that fill the blocks of one host each keep to their own, so that they meet once and not at every address. */
function decideAllocation(
  daemon: Daemon,
  request: AllocateRequest,
  isCrowded: boolean,
): Decision<AddressReply> {
  const { mirror, metrics, clock, offsetSeed } = daemon;
  const preference = { isPreferred: (block: string) => mirror.isOurs(block), avoidsOthers: isCrowded };
  const options = { now: clock.now(), offsetSeed, cooldown: COOLDOWN, preference };
  const answer = allocate(mirror.state, request, options);
  metrics.allocations.inc({ kind: "allocate", outcome: answer.kind });
  if (answer.kind === "allocated") return { value: addressReply(answer.address), plan: answer };
  // Granted again: what was missed of it is found.
  if (answer.kind === "existing")
    return { value: addressReply(answer.address), plan: planFound(mirror.state, request.host, request.name) };
  throw allocationRefused(answer, request.name);
}

function releaseRequest(query: Static<typeof ReleaseQuery>): ReleaseRequest {
  const ip = tryParseIp(query.addressName);
  return {
    ...(ip ? { ip } : { name: query.addressName }),
    ...(query.sequence !== undefined && { sequence: Number(query.sequence) }),
    ...(query.host !== undefined && { host: query.host }),
  };
}

function decideRelease(
  daemon: Daemon,
  request: ReleaseRequest,
  own: Own,
  asked: string,
): Decision<ReleaseReply> {
  const { state } = daemon.mirror;
  const held = "name" in request ? state.addresses.get(request.name) : state.addressAt(request.ip);
  // What is another's is as unknown as what is not there.
  if (held && !isOwn(own, held)) throw releaseRefused({ kind: "not-found" }, asked);
  const answer = release(state, request, { now: daemon.clock.now() });
  daemon.metrics.allocations.inc({ kind: "release", outcome: answer.kind });
  if (answer.kind !== "released") throw releaseRefused(answer, asked);
  return { value: { released: true }, plan: answer };
}
