// Who may do what: the one table that the checks, the OpenAPI document and docs/reference/access.md are made of.
import type { FastifyRequest } from "fastify";
import { type Role, ROLES } from "./caller.ts";

/** Where in a request something is named. */
export type Place = `${"body" | "query" | "params"}.${string}`;

/** Neither word: everything. */
export type Grant = {
  /** Each of these must name the caller's own host or tenant; with `kept` it may be left out. */
  readonly named?: readonly Place[];
  /** The route itself leaves out what is another's: it asks `ownOf(request)`. */
  readonly kept?: true;
};
export type Rule = {
  /** The route's pattern, as `/hosts/:name`. */
  readonly url: string;
  /** What the audit log names as the object of the request. */
  readonly about?: Place;
  /** Anybody, without a credential. */
  readonly open?: true;
  readonly grants: Readonly<Partial<Record<Role, Grant>>>;
};

type Cell = Grant | undefined;
const ALL: Grant = {};
const NO = undefined;
/** Its own: the route looks. */
const OWN: Grant = { kept: true };
const named = (...places: Place[]): Grant => ({ named: places });
const ownNamed = (...places: Place[]): Grant => ({ named: places, kept: true });

type Row = readonly [about: Place | "", admin: Cell, service: Cell, node: Cell, tenant: Cell, reader: Cell];

const rows: Readonly<Record<string, Row | "open">> = {
  // route                           about               admin service node                 tenant            read-only
  "POST /address": ["body.name", ALL, NO, named("body.host"), NO, NO],
  "DELETE /address": ["query.addressName", ALL, NO, ownNamed("query.host"), NO, NO],
  "GET /addresses": ["", ALL, ALL, ownNamed("query.host"), ownNamed("query.tenant"), ALL],
  "GET /backup": ["", ALL, NO, NO, NO, NO],
  "GET /blackouts": ["", ALL, ALL, NO, NO, ALL],
  "POST /blackouts": ["body.cidr", ALL, NO, NO, NO, NO],
  "DELETE /blackouts": ["query.cidr", ALL, NO, NO, NO, NO],
  "GET /blocks": ["", ALL, ALL, ALL, OWN, ALL],
  "GET /explain": ["", ALL, ALL, NO, NO, ALL],
  "GET /healthz": "open",
  "GET /hosts": ["", ALL, ALL, ALL, NO, ALL],
  "POST /hosts": ["body.name", ALL, ALL, named("body.name"), NO, NO],
  "GET /hosts/:name": ["", ALL, ALL, ALL, NO, ALL],
  "DELETE /hosts/:name": ["params.name", ALL, ALL, NO, NO, NO],
  "POST /hosts/:name/report": ["params.name", ALL, NO, named("params.name"), NO, NO],
  "GET /ipam/address": ["query.of", ALL, ALL, NO, NO, ALL],
  "GET /ipam/adopt": ["", ALL, ALL, NO, NO, ALL],
  "POST /ipam/adopt": ["", ALL, NO, NO, NO, NO],
  "GET /ipam/check": ["", ALL, ALL, NO, NO, ALL],
  "POST /ipam/gc": ["", ALL, NO, NO, NO, NO],
  "GET /ipam/usage": ["", ALL, ALL, NO, NO, ALL],
  "GET /metrics": ["", ALL, ALL, NO, NO, ALL],
  "GET /networks": ["", ALL, ALL, ALL, NO, ALL],
  "GET /networks/:network/blocks": ["", ALL, ALL, ALL, OWN, ALL],
  "GET /networks/:network/drain": ["params.network", ALL, ALL, NO, NO, ALL],
  "POST /networks/:network/drain": ["params.network", ALL, NO, NO, NO, NO],
  "DELETE /networks/:network/drain": ["params.network", ALL, NO, NO, NO, NO],
  "GET /openapi.json": ["", ALL, ALL, ALL, ALL, ALL],
  "GET /pods": ["", ALL, ALL, NO, NO, ALL],
  "POST /pods": ["", ALL, ALL, NO, NO, NO],
  "GET /policies": ["", ALL, ALL, NO, NO, ALL],
  "POST /policies": ["body.id", ALL, NO, NO, NO, NO],
  "DELETE /policies": ["body.id", ALL, NO, NO, NO, NO],
  "POST /policies/kubernetes": ["", ALL, ALL, NO, NO, NO],
  "GET /policies/:id": ["params.id", ALL, ALL, NO, NO, ALL],
  "DELETE /policies/:id": ["params.id", ALL, NO, NO, NO, NO],
  "GET /readyz": "open",
  "GET /reservations": ["", ALL, ALL, NO, NO, ALL],
  "POST /reservations": ["body.cidr", ALL, NO, NO, NO, NO],
  "DELETE /reservations": ["query.cidr", ALL, NO, NO, NO, NO],
  "GET /limits": ["", ALL, ALL, NO, NO, ALL],
  "POST /limits": ["body.tenant", ALL, NO, NO, NO, NO],
  "DELETE /limits": ["query.tenant", ALL, NO, NO, NO, NO],
  "GET /tenants": ["", ALL, ALL, NO, OWN, ALL],
  "POST /tenants": ["", ALL, ALL, NO, NO, NO],
  "GET /tenants/:tenant/segments": ["", ALL, ALL, NO, named("params.tenant"), ALL],
  "GET /topology": ["", ALL, ALL, ALL, NO, ALL],
  "POST /topology": ["", ALL, NO, NO, NO, NO],
  "POST /topology/plan": ["", ALL, ALL, NO, NO, ALL],
  "GET /watch": ["", ALL, ALL, ownNamed("query.host", "query.policy"), NO, ALL],
};

export const ACCESS: ReadonlyMap<string, Rule> = new Map(
  Object.entries(rows).map(([route, row]) => [route, ruleOf(route, row)]),
);

function ruleOf(route: string, row: Row | "open"): Rule {
  const [, url = ""] = route.split(" ");
  if (row === "open") return { url, open: true, grants: {} };
  const [about, ...cells] = row;
  const grants = ROLES.flatMap((role, i) => (cells[i] ? [[role, cells[i]] as const] : []));
  return { url, ...(about !== "" && { about }), grants: Object.fromEntries(grants) };
}

/** What a request says at a place; `undefined`: nothing. */
export function valueAt(request: FastifyRequest, place: Place): unknown {
  const dot = place.indexOf(".");
  const part = request[place.slice(0, dot) as "body" | "query" | "params"];
  return (part as Record<string, unknown> | null | undefined)?.[place.slice(dot + 1)];
}

/** A grant in words: for the OpenAPI document, the docs and who is refused. */
export const describeGrant = ({ named: places, kept }: Grant): string =>
  places === undefined ? (kept ? "own" : "all") : `own (${places.map((place) => `\`${place}\``).join(", ")})`;
