// What agents' reports say of the allocations of their hosts. A report lists what lives; what it lacks is missing, if the agent could have
// known of it. Two such reports, the grace period apart and none between that knows of it, make a leak. Pure: the observations
// are records, so any daemon adds to them, any may act on them, and a change of the leader loses none.
import type { Duration } from "../../base/clock.ts";
import { parseAttachmentName } from "../model/attachment-name.ts";
import type { Claim, Evidence, Missing } from "../model/evidence.ts";
import { evidenceKey } from "../model/keys.ts";
import { equalIp } from "../net/ip.ts";
import { type Held, heldBy } from "./held.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Write } from "./types.ts";

export type Report = {
  readonly host: string;
  /** Names of all that lives on the host, or is being made or undone there. */
  readonly known: ReadonlySet<string>;
  /** The store's revision that the agent had seen before it looked; `undefined`: the report does not show that anything is missing. */
  readonly seen: number | undefined;
  /** What the agent has and the records give to others. */
  readonly claims: readonly Omit<Claim, "since">[];
};
export type ObserveOptions = {
  /** Wall time, milliseconds. */
  readonly now: number;
  /** Between the first and the last report that lacks an allocation. */
  readonly grace: Duration;
  /** The store's revision of a key's last write; 0: it is absent. */
  readonly revisionOf: (key: string) => number;
};
const NONE: Evidence = { host: "", missing: [], claims: [] };

/** One write, or none where the report says nothing new. */
export function observeReport(state: IpamState, report: Report, options: ObserveOptions): Plan {
  const { host } = report;
  const before = state.evidence.get(host) ?? NONE;
  const missing = missingOf(state, report, before, options);
  const claims = report.claims.map((claim) => sameClaim(before, claim) ?? { ...claim, since: options.now });
  const plan = evidencePlan(before, { host, missing, claims });
  // A record that nobody can read is put in order.
  const isGarbage = before === NONE && options.revisionOf(evidenceKey(host)) > 0;
  return isGarbage ? { ...plan, writes: [evidenceWrite({ host, missing, claims })] } : plan;
}

/** What a host that is unknown holds: no agent tells of it, but for what one claims. Plans for one host after the other; nothing to write: none is left. */
export function observeUnknownHosts(
  state: IpamState,
  { now, grace }: Omit<ObserveOptions, "revisionOf">,
): Plan {
  const holders = new Set([...state.blocks.values()].map(({ block }) => block.host));
  for (const host of new Set([...holders, ...state.evidence.keys()])) {
    if (state.hosts.has(host)) continue;
    const before = state.evidence.get(host) ?? NONE;
    const claimed = new Set(before.claims.map(({ name }) => name));
    const held = [...heldBy(state, host).values()].filter(({ name }) => !claimed.has(name));
    const missing = held.map((each) => grown(find(before, each) ?? newMissing(each, now), { now, grace }));
    const plan = evidencePlan(before, { host, missing, claims: before.claims });
    if (plan.writes.length > 0) return plan;
  }
  return { writes: [], guards: [] };
}

/** Somebody asked for the name's address again and got it: it is missed by nobody from now on. */
export function planFound(state: IpamState, host: string, name: string): Plan {
  const before = state.evidence.get(host) ?? NONE;
  const missing = before.missing.filter((each) => each.name !== name);
  return evidencePlan(before, { host, missing, claims: before.claims });
}

function missingOf(
  state: IpamState,
  { host, known, seen }: Report,
  before: Evidence,
  options: ObserveOptions,
): Missing[] {
  // A report from before the last one was written down may be that one: it shows what lives, not that more is missing.
  const isLater = seen !== undefined && seen >= options.revisionOf(evidenceKey(host));
  return [...heldBy(state, host).values()].flatMap((held) => {
    if (known.has(held.name) || !parseAttachmentName(held.name)) return [];
    const earlier = find(before, held);
    // What the agent may have allocated after it looked: a report can only lack what was there by then.
    if (!isLater || !wasThere(held, seen, options)) return earlier ?? [];
    return earlier ? grown(earlier, options) : newMissing(held, options.now);
  });
}

function wasThere({ keys: [key = ""] }: Held, seen: number, { revisionOf }: ObserveOptions): boolean {
  const written = revisionOf(key);
  return written > 0 && written <= seen;
}

const find = ({ missing }: Evidence, { name, sequence }: Held): Missing | undefined =>
  missing.find((each) => each.name === name && each.sequence === sequence);

const newMissing = ({ name, sequence }: Held, since: number): Missing => ({
  ...{ name, sequence, since, confirmed: undefined },
});

/** Found missing again. */
const grown = (missing: Missing, { now, grace }: Pick<ObserveOptions, "now" | "grace">): Missing =>
  missing.confirmed === undefined && now - missing.since >= grace ? { ...missing, confirmed: now } : missing;

const sameClaim = ({ claims }: Evidence, { name, ip, reason }: Omit<Claim, "since">): Claim | undefined =>
  claims.find((each) => each.name === name && equalIp(each.ip, ip) && each.reason === reason);

function evidencePlan(before: Evidence, after: Evidence): Plan {
  const isSame = sameItems(before.missing, after.missing) && sameItems(before.claims, after.claims);
  return { writes: isSame ? [] : [evidenceWrite(after)], guards: [] };
}

/** What is kept is the same object. */
const sameItems = <T>(before: readonly T[], after: readonly T[]): boolean =>
  before.length === after.length && after.every((each) => before.includes(each));

export const evidenceWrite = (evidence: Evidence): Write =>
  evidence.missing.length + evidence.claims.length > 0
    ? { kind: "put-evidence", evidence }
    : { kind: "delete-evidence", host: evidence.host };
