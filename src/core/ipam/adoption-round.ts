// Who must still tell what is alive, and what is written when a daemon starts, a host has told, a loss is found, the wait ends. The same for
// all daemons on a store; when a wait is over the daemon decides.
import type { AdoptionRecord } from "../model/adoption-record.ts";
import type { IpamState } from "./state.ts";
import type { Plan, Write } from "./types.ts";

const NOTHING: Plan = { writes: [], guards: [] };

/** A daemon starts: it asks, unless a loss is being mended. What was told before does not count. `written`: revision of the record. */
export function planAsk(state: IpamState, written: number): Plan {
  const { round, state: now, isNew } = state.adoption;
  return putting({
    ...{ round: round + 1, state: now === "lost" ? now : "asked" },
    ...(now === "asked" ? { first: firstAsked(state, written) } : {}),
    ...(round === 0 || isNew ? { isNew: true } : {}),
    ...policiesOf(state),
  });
}

/**
 * From which revision on `host` can have seen nothing, if the store is what it was: a daemon has asked there, and to none since then has the
 * host reported. `undefined`: that is not known.
 */
export function unseenFrom(state: IpamState, host: string, written: number): number | undefined {
  if (state.adoption.state !== "asked" || state.topology.networks.length === 0) return undefined;
  const { round, revision } = firstAsked(state, written);
  return (state.reported.get(host) ?? 0) >= round ? undefined : revision;
}

const firstAsked = ({ adoption }: IpamState, written: number): { round: number; revision: number } =>
  adoption.first ?? { round: adoption.round, revision: written };

/** Of no round: something is alive there, and nothing of it could be adopted. */
const NEVER = 0;

/**
 * All that `host` told is adopted. Where there is no such host or no network yet, not all can be: one that nobody knows, and that told of something alive
 * (`isHolding`), is waited for until it is known and has told again, to whichever daemon.
 */
export function planReported(state: IpamState, host: string, isHolding: boolean): Plan {
  const { round, state: now } = state.adoption;
  const put = (of: number): Plan => ({
    writes: [{ kind: "put-reported", reported: { host, round: of } }],
    guards: [],
  });
  if (now === "open" || state.reported.get(host) === round) return NOTHING;
  if (!state.hosts.has(host)) return isHolding && !state.reported.has(host) ? put(NEVER) : NOTHING;
  return state.topology.networks.length > 0 ? put(round) : NOTHING;
}

/**
 * An agent had seen what the store does not know, and if `hadPolicies`, perhaps policies that it does not know. The guards fail every
 * allocation that was planned without knowing.
 */
export function planLoss(state: IpamState, hadPolicies: boolean): Plan {
  const { adoption, topology } = state;
  if (adoption.by === "force") return NOTHING;
  const lost: AdoptionRecord = {
    ...{ ...adoption, state: "lost" },
    ...(hadPolicies ? { policies: "lost" } : {}),
  };
  if (adoption.state === "lost" && adoption.policies === lost.policies) return NOTHING;
  const guards = topology.networks.map(({ name }) => ({ kind: "bump-guard", network: name }) as const);
  return { writes: [...putting(lost).writes, ...guards], guards: [] };
}

/** All policies were told anew. */
export function planPoliciesKnown({ adoption }: IpamState): Plan {
  const { policies, ...known } = adoption;
  return policies ? putting(known) : NOTHING;
}

/** Reports of hosts that nobody knows which one transaction forgets. */
const FORGET_AT_ONCE = 40;

/** All daemons may hand out. The operator's word is that policies are as he wants them, too. Who was waited for in vain is not waited for again. */
export function planOpen(state: IpamState, by?: AdoptionRecord["by"]): Plan {
  const { round, state: now, by: before } = state.adoption;
  if (round > 0 && now === "open" && (by === undefined || by === before)) return NOTHING;
  const policies = by === "force" ? {} : policiesOf(state);
  const opened = putting({ round: Math.max(1, round), state: "open", ...(by ? { by } : {}), ...policies });
  const strangers = [...state.reported.keys().filter((host) => !state.hosts.has(host))];
  const forgotten = strangers
    .slice(0, FORGET_AT_ONCE)
    .map((host) => ({ kind: "delete-reported", host }) as const);
  return { ...opened, writes: [...opened.writes, ...forgotten] };
}

const policiesOf = ({ adoption: { policies } }: IpamState): Pick<AdoptionRecord, "policies"> =>
  policies ? { policies } : {};

/** Hosts that have not reported in this round: those that the store knows, by their record, by an address in their blocks, or by a report of what lives there. */
export function owedHosts(state: IpamState): string[] {
  const holders = state.blocks.values().filter(({ occupancy }) => occupancy.used > 0);
  const known = new Set([
    ...state.hosts.keys(),
    ...holders.map(({ block }) => block.host),
    ...state.reported.keys(),
  ]);
  return [...known].filter((host) => state.reported.get(host) !== state.adoption.round);
}

/** Whether any host has reported in this round. */
export const anyReported = (state: IpamState): boolean =>
  state.reported.values().some((round) => round === state.adoption.round);

function putting(adoption: AdoptionRecord): { writes: Write[]; guards: string[] } {
  return { writes: [{ kind: "put-adoption", adoption }], guards: [] };
}
