// Stands before every route: who asks, may he, and is it his. A route without a row in the table cannot be added.
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { BugError, InputError } from "../../../base/errors.ts";
import type { DaemonMetrics } from "../metrics.ts";
import { ACCESS, describeGrant, type Grant, type Rule, valueAt } from "./access-table.ts";
import { onAnswered } from "./answered.ts";
import { type Caller, type Role, ROLES } from "./caller.ts";
import type { Identify, Unknown } from "./identify.ts";
import type { Limit } from "./limits.ts";

/** Why a request was refused: bounded, as it is a metric's label. */
export type Denial = Unknown | "role" | "not its own" | "too many";

declare module "fastify" {
  interface FastifyRequest {
    /** Of the route; `undefined` where there is none. Taken once, as the framework makes `routeOptions` anew each time. */
    rule: Rule | undefined;
    /** `undefined`: nobody knows, and only open routes answer. */
    caller: Caller | undefined;
    denied: Denial | undefined;
    /** Whether the route asked what is the caller's own. */
    askedOwn: boolean;
  }
  interface FastifyContextConfig {
    rule?: Rule;
  }
}

type GuardDeps = { readonly identify: Identify; readonly limit: Limit; readonly metrics: DaemonMetrics };

/** Before the first route is added. */
export function guardRoutes(app: FastifyInstance, { identify, limit, metrics }: GuardDeps): void {
  app.decorateRequest("rule", undefined);
  app.decorateRequest("caller", undefined);
  app.decorateRequest("denied", undefined);
  app.decorateRequest("askedOwn", false);
  app.addHook("onRoute", applyRule);
  app.addHook("onRequest", (request, reply, done) => {
    request.rule = request.routeOptions.config.rule;
    const decide = (asked: Caller | Unknown): void => {
      const refusal = admit(request, reply, asked);
      const tooMany = limit(request, reply);
      if (tooMany) request.denied = "too many";
      done(tooMany ?? refusal);
    };
    const asked = identify(request.raw);
    // Open routes need nobody who can say who asks.
    const failed = (error: Error): void => done(request.rule?.open ? undefined : error);
    if (asked instanceof Promise) void asked.then(decide, failed);
    else decide(asked);
  });
  onAnswered(app, ({ denied }) => {
    if (denied !== undefined) metrics.denied.inc({ reason: denied });
  });
}

function applyRule(route: RouteOptions): void {
  // `HEAD` is made by the framework and runs the handler of `GET`.
  const methods = [route.method].flat().map((method) => (method === "HEAD" ? "GET" : method));
  const rule = ACCESS.get(`${methods[0]} ${route.url}`);
  if (!rule || methods.length > 1)
    throw new BugError({ code: "ROUTE_WITHOUT_ACCESS", methods, url: route.url });
  route.config = { ...route.config, rule };
  if (!rule.open)
    route.schema = { ...route.schema, security: [{ certificate: [] }, { token: [] }], ...rolesOf(rule) };
  const grants = Object.values(rule.grants);
  if (grants.some(({ named }) => named !== undefined)) route.preHandler = checkNamed;
  if (grants.some(({ kept }) => kept)) route.onSend = checkKept;
}

/** For the OpenAPI document. */
const rolesOf = ({ grants }: Rule): object => ({
  "x-roles": Object.fromEntries(
    ROLES.flatMap((role) => {
      const grant = grants[role];
      return grant ? [[role, describeGrant(grant)]] : [];
    }),
  ),
});

function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Caller | Unknown,
): InputError | undefined {
  const { rule } = request;
  const caller = typeof asked === "string" ? undefined : asked;
  request.caller = caller;
  if (rule?.open) return undefined;
  if (!caller) {
    request.denied = asked as Unknown;
    return asked === "foreign host name" ? foreignHostName() : unauthenticated(reply);
  }
  // A route that is not there has no rule: whoever is known gets his 404.
  if (!rule || grantOf(rule, caller)) return undefined;
  request.denied = "role";
  return forbidden(request, caller, rolesIn(rule));
}

const grantOf = (rule: Rule | undefined, { role }: Caller): Grant | undefined =>
  role === "none" ? undefined : rule?.grants[role];

function checkNamed(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const { caller, rule } = request;
  const grant = caller && grantOf(rule, caller);
  if (!caller || grant?.named === undefined) return done();
  const isFine = (value: unknown): boolean =>
    value === caller.owns || (value === undefined && grant.kept === true);
  const foreign = grant.named.find((place) => !isFine(valueAt(request, place)));
  if (foreign === undefined) return done();
  request.denied = "not its own";
  return done(forbidden(request, caller, `${foreign} "${caller.owns}"`));
}

/** A route that is to leave out what is another's and never asks whose it is would tell all: it tells nothing. */
function checkKept(
  request: FastifyRequest,
  reply: FastifyReply,
  _payload: unknown,
  done: (error?: Error) => void,
): void {
  const { caller, askedOwn, rule } = request;
  const isForgotten = !askedOwn && reply.statusCode < 400 && caller && grantOf(rule, caller)?.kept;
  done(isForgotten ? new BugError({ code: "ROUTE_TELLS_ALL", url: rule?.url }) : undefined);
}

/** The host or tenant that the answer must be kept to; `undefined`: to none. */
export type Own = { readonly host?: string; readonly tenant?: string };

export function ownOf(request: FastifyRequest): Own {
  request.askedOwn = true;
  const { caller, rule } = request;
  const grant = caller && grantOf(rule, caller);
  if (!grant?.kept) return {};
  return caller?.role === "node" ? { host: caller.owns } : { tenant: caller?.owns ?? "" };
}

/** Whether something of this host and tenant is the caller's to see. */
export const isOwn = (own: Own, { host, tenant }: { host: string; tenant: string }): boolean =>
  (own.host === undefined || own.host === host) && (own.tenant === undefined || own.tenant === tenant);

/** The same for everybody: why is nobody's business who has no credential. */
function unauthenticated(reply: FastifyReply): InputError {
  // Closed, so that what else he sends is not read, and each guess costs him a connection.
  void reply.headers({ "www-authenticate": 'Bearer realm="romana"', connection: "close" });
  const expected = "a certificate of the daemon's client CA, or `Authorization: Bearer TOKEN`";
  return new InputError({ code: "UNAUTHENTICATED", field: "caller", value: "unknown", expected }, 401);
}

function foreignHostName(): InputError {
  const expected = "an address or localhost, as long as no credentials are asked for";
  return new InputError({ code: "HOST_HEADER", field: "host", value: "a name", expected }, 403);
}

function forbidden({ method, rule }: FastifyRequest, caller: Caller, needed: string): InputError {
  const expected = `${needed}, for ${method} ${rule?.url ?? ""}`;
  return new InputError({ code: "FORBIDDEN", field: "caller", value: describeCaller(caller), expected }, 403);
}

export const describeCaller = ({ name, role }: Caller): string =>
  role === "none" ? `${name}, without a role` : `${role} ${name}`;

const rolesIn = ({ grants }: Rule): string =>
  `role ${(Object.keys(grants) as Role[]).join(", ").replace(/, ([^,]*)$/, " or $1")}`;
