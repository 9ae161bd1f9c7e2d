// `/ipam/...`: what is wrong with the addresses, and freeing what leaked.
import { setImmediate } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { CheckReply, type FindingReply, GcReply, GcRequest } from "../../../core/api/ipam.ts";
import { object, optional, type Static, string } from "../../../core/api/schema.ts";
import { check, type Finding } from "../../../core/ipam/check.ts";
import { FINDING_KINDS } from "../../../core/model/finding.ts";
import { COOLDOWN } from "./address-routes.ts";
import type { Daemon } from "../daemon.ts";
import { gcReply } from "../ipam-gc.ts";
import { replies } from "./route-schemas.ts";

/** Findings shown where the request does not say: a reply that a person still reads. */
const FINDINGS_SHOWN = 1000;
/** Records looked at while others wait: less than a millisecond. */
const STEPS_AT_ONCE = 500;
const CheckQuery = object({ limit: optional(string({ pattern: "^\\d{1,7}$", description: "a number" })) });

export function ipamRoutes(app: FastifyInstance, daemon: Daemon): void {
  app.get<{ Querystring: Static<typeof CheckQuery> }>(
    "/ipam/check",
    {
      schema: {
        summary: "What is wrong with the addresses",
        querystring: CheckQuery,
        ...replies(CheckReply),
      },
    },
    ({ query: { limit } }) => checkReply(daemon, limit === undefined ? FINDINGS_SHOWN : Number(limit)),
  );
  app.post<{ Body: GcRequest }>(
    "/ipam/gc",
    { schema: { summary: "Free leaked addresses", body: GcRequest, ...replies(GcReply) } },
    ({ body }) => gcReply(daemon, body.dry_run ?? true),
  );
}

/** Between steps whatever else the daemon has to do is done. */
export async function findingsOf({ mirror, clock }: Daemon): Promise<Finding[]> {
  const steps = check(mirror.state, { now: clock.now(), cooldown: COOLDOWN, garbage: mirror.garbage });
  for (let count = 1; ; count++) {
    const { done, value } = steps.next();
    if (done) return value;
    if (count % STEPS_AT_ONCE === 0) await setImmediate();
  }
}

/** By kind, all kinds. */
export const countsOf = (findings: readonly Finding[]): Record<string, number> =>
  Object.fromEntries(
    FINDING_KINDS.map((kind) => [kind, findings.filter((each) => each.kind === kind).length]),
  );

async function checkReply(daemon: Daemon, limit: number): Promise<CheckReply> {
  const findings = await findingsOf(daemon);
  return {
    revision: daemon.mirror.revision,
    total: findings.length,
    counts: countsOf(findings),
    findings: findings.slice(0, limit).map((finding) => findingReply(daemon, finding)),
  };
}

const findingReply = ({ mirror }: Daemon, finding: Finding): FindingReply => ({
  kind: finding.kind,
  subject: finding.subject,
  ...(finding.host !== undefined && { host: finding.host }),
  ips: [...finding.ips],
  details: finding.details,
  ...(finding.since !== undefined && { since: new Date(finding.since).toISOString() }),
  evidence: finding.keys.map((key) => ({ key, revision: mirror.revisionOf(key) })),
});
