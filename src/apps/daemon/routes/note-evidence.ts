// What a report shows of the host's addresses, written down for all daemons: see core/ipam/evidence.ts.
import type { HostReport, HostReportReply } from "../../../core/api/types.ts";
import { observeReport, type Report } from "../../../core/ipam/evidence.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Plan } from "../../../core/ipam/types.ts";
import { parseIp } from "../../../core/net/ip.ts";
import { adoptionView, type Daemon } from "../daemon.ts";

type Conflicts = HostReportReply["conflicts"];

/** Call when what the report tells is adopted. */
export async function noteEvidence(
  daemon: Daemon,
  host: string,
  body: HostReport,
  conflicts: Conflicts,
): Promise<void> {
  const { mirror, writer, clock, leakGrace: grace } = daemon;
  const report = reportOf(daemon, host, body, conflicts);
  const revisionOf = (key: string): number => mirror.revisionOf(key);
  const plan = (state: IpamState): Plan =>
    observeReport(state, report, { now: clock.now(), grace, revisionOf });
  // Nearly always there is nothing to note.
  if (plan(mirror.state).writes.length > 0)
    await writer.submit((state) => ({ value: undefined, plan: plan(state) }));
}

/** While the store may have forgotten, or is another than the agent followed, nothing is missing. */
function reportOf(daemon: Daemon, host: string, body: HostReport, conflicts: Conflicts): Report {
  const { seen, endpoints, in_hand: inHand } = body;
  const isSound = seen?.cluster === daemon.cluster && daemon.adoption.ready(adoptionView(daemon));
  return {
    host,
    known: new Set([...endpoints.map(({ name }) => name), ...(inHand ?? [])]),
    seen: inHand && isSound ? seen.revision : undefined,
    claims: conflicts.map(({ name, ip, reason }) => ({ name, ip: parseIp(ip), reason })),
  };
}
