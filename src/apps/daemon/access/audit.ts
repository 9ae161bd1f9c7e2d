// One line of the log for every write and every denial: who, from where, what, how it ended. Never what was in it.
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Clock } from "../../../base/clock.ts";
import { Seconds } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import { valueAt } from "./access-table.ts";
import { onAnswered } from "./answered.ts";

/** Denials listed a second: who has no credential must not fill the disk. The metric counts all. */
const DENIALS_LISTED = 20;
const LONGEST = 253;

export function auditRequests(app: FastifyInstance, { log, clock }: { log: Log; clock: Clock }): void {
  const isListed = createLimit(clock, (left) => log.warn("denials not listed", { audit: true, count: left }));
  onAnswered(app, (request, reply) => {
    const isWrite = request.method !== "GET" && request.method !== "HEAD";
    if (request.denied === undefined ? isWrite : isListed())
      log.info("audit", { ...entry(request), status: reply.statusCode, ms: Math.round(reply.elapsedTime) });
  });
}

/** Of the route only its pattern: a URL may hold what nobody should read. */
function entry(request: FastifyRequest): Record<string, unknown> {
  const { caller, denied, method, rule, id, socket } = request;
  const object = rule?.about && valueAt(request, rule.about);
  return {
    audit: true,
    who: caller?.name ?? "",
    role: caller?.role ?? "unknown",
    from: socket.remoteAddress ?? "",
    method,
    route: rule?.url ?? "unknown",
    ...(typeof object === "string" && { object: object.slice(0, LONGEST) }),
    ...(denied !== undefined && { denied }),
    id,
  };
}

/** True `DENIALS_LISTED` times a second; `tell` says afterwards how often it was not. */
function createLimit(clock: Clock, tell: (left: number) => void): () => boolean {
  let since = -Infinity;
  let count = 0;
  return () => {
    const now = clock.monotonic();
    if (now - since >= Seconds(1)) {
      if (count > DENIALS_LISTED) tell(count - DENIALS_LISTED);
      [since, count] = [now, 0];
    }
    return ++count <= DENIALS_LISTED;
  };
}
