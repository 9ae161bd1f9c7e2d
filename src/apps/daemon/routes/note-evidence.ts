// What a report shows of the host's addresses, written down for all daemons: see core/ipam/evidence.ts.
import type { HostReport, HostReportReply } from "../../../core/api/types.ts";
import { observeReport, type Report } from "../../../core/ipam/evidence.ts";
import { parseIp } from "../../../core/net/ip.ts";
import type { Daemon } from "../daemon.ts";
import { note } from "../note.ts";

type Conflicts = HostReportReply["conflicts"];

/** Call when what the report tells is adopted. */
export async function noteEvidence(
  daemon: Daemon,
  host: string,
  body: HostReport,
  conflicts: Conflicts,
): Promise<void> {
  const { mirror, clock, leakGrace: grace } = daemon;
  const report = reportOf(daemon, host, body, conflicts);
  const revisionOf = (key: string): number => mirror.revisionOf(key);
  await note(daemon, (state) => observeReport(state, report, { now: clock.now(), grace, revisionOf }));
}

/** While the store may have forgotten, or is another than the agent followed, nothing is missing. */
function reportOf(daemon: Daemon, host: string, body: HostReport, conflicts: Conflicts): Report {
  const { seen, endpoints, in_hand: inHand } = body;
  const isSound = seen?.cluster === daemon.cluster && daemon.adoption.isReady(daemon.mirror.state);
  return {
    host,
    known: new Set([...endpoints.map(({ name }) => name), ...(inHand ?? [])]),
    seen: inHand && isSound ? seen.revision : undefined,
    claims: conflicts.map(({ name, ip, reason }) => ({ name, ip: parseIp(ip), reason })),
  };
}
