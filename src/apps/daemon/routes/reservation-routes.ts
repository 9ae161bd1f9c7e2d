// `/reservations`: addresses that are given only to their holder, or only when asked for by number.
import type { FastifyInstance } from "fastify";
import { InputError } from "../../../base/errors.ts";
import { ReservationList, ReservationReply, ReservationRequest } from "../../../core/api/reservations.ts";
import { object, string, type Static } from "../../../core/api/schema.ts";
import {
  inTheWay,
  placeHolding,
  planReservation,
  planReservationRemoval,
} from "../../../core/ipam/reservations.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Reservation } from "../../../core/model/records.ts";
import { type Cidr, formatCidr, hostCidr, parseCidr, sizeOf } from "../../../core/net/cidr.ts";
import { tryParseIp } from "../../../core/net/ip.ts";
import type { Daemon } from "../daemon.ts";
import { submitRule } from "./network-rules.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";

const RemovalQuery = object({ cidr: string({ maxLength: 64 }) });

export function reservationRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { mirror } = daemon;
  const summary = {
    get: "Addresses kept for a holder, or for requests by number",
    post: "Keep addresses",
    delete: "Keep addresses no longer",
  };
  app.get(
    "/reservations",
    { schema: { summary: summary.get, ...replies(ReservationList) } },
    (): ReservationList => {
      const reservations = [...mirror.state.reservations.values()].map((each) => shown(mirror.state, each));
      return { revision: mirror.revision, reservations };
    },
  );
  app.post<{ Body: ReservationRequest }>(
    "/reservations",
    { schema: { summary: summary.post, body: ReservationRequest, ...replies(ReservationReply) } },
    ({ body }) => addReservation(daemon, parseReservation(body)),
  );
  app.delete<{ Querystring: Static<typeof RemovalQuery> }>(
    "/reservations",
    { schema: { summary: summary.delete, querystring: RemovalQuery, ...replies(ReservationReply) } },
    ({ query }) => removeReservation(daemon, query.cidr),
  );
}

async function addReservation(daemon: Daemon, reservation: Reservation): Promise<ReservationReply> {
  await submitRule(daemon, (state) => {
    refuseOutside(state, reservation);
    return { value: undefined, plan: planReservation(state, reservation) };
  });
  const { state } = daemon.mirror;
  const { addresses, blocks } = inTheWay(state, reservation);
  const in_use = addresses.map(({ name }) => name);
  return { ...shown(state, reservation), in_use, blocks: blocks.map(formatCidr) };
}

function removeReservation(daemon: Daemon, text: string): Promise<ReservationReply> {
  const cidr = parsePrefix(text, "querystring.cidr");
  return submitRule(daemon, (state) => {
    const reservation = state.reservations.get(formatCidr(cidr));
    if (!reservation) throw unknownResource("reservation", text);
    const value = { ...shown(state, reservation), in_use: [], blocks: [] };
    return { value, plan: planReservationRemoval(state, cidr) };
  });
}

function parseReservation({ cidr: text, holder, reason = "" }: ReservationRequest): Reservation {
  const cidr = parsePrefix(text, "body.cidr");
  if (holder === undefined) return { cidr, reason };
  const expected = "a single address, as 10.1.0.9, where it is kept for a holder";
  if (sizeOf(cidr) > 1n)
    throw new InputError({ code: "RESERVATION_HOLDER", field: "body.cidr", value: text, expected });
  return { cidr, holder, reason };
}

function parsePrefix(text: string, field: string): Cidr {
  const ip = tryParseIp(text);
  return ip ? hostCidr(ip) : parseCidr(text, field);
}

/** A range may await a network; who is promised an address could never have it. */
function refuseOutside(state: IpamState, { cidr, holder }: Reservation): void {
  if (holder === undefined || placeHolding(state, cidr.ip)) return;
  const networks = state.topology.networks.map((network) => formatCidr(network.cidr)).join(", ");
  const expected = `an address in the prefix of a group, within ${networks || "a network"}`;
  throw new InputError(
    { code: "RESERVATION_OUTSIDE", field: "cidr", value: formatCidr(cidr), expected },
    422,
  );
}

function shown(state: IpamState, { cidr, holder, reason }: Reservation) {
  const place = placeHolding(state, cidr.ip);
  return { cidr: formatCidr(cidr), reason, ...(holder !== undefined && { holder }), ...place };
}
