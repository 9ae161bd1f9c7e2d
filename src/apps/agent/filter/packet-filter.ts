// The table `inet romana` of this node, and its one writer: compute, observe, plan, apply. What it applied it remembers, so that a change
// costs no look at the kernel. A batch that the kernel refuses leaves the table as it was.
import { UnavailableError } from "../../../base/errors.ts";
import { memoize } from "../../../base/memoize.ts";
import type { Masquerade } from "../../../core/desired/masquerade.ts";
import { desiredRuleset, OPEN_POLICY, type RulesetEndpoint } from "../../../core/desired/node-ruleset.ts";
import { type Family, parseIp } from "../../../core/net/ip.ts";
import { type NftChange, planRuleset } from "../../../core/nft/plan.ts";
import { renderRuleset } from "../../../core/nft/render.ts";
import { type Standing, standingOf } from "../../../core/nft/standing.ts";
import { type Ruleset, TABLE } from "../../../core/nft/types.ts";
import type { Nftables } from "../../../io/kernel/nftables.ts";
import type { AgentEndpoint, Endpoints } from "../endpoints.ts";
import { missingFeatures } from "./features.ts";
import { podIdOf, type Share } from "./share.ts";

export type FilterOptions = { readonly failsafePorts: readonly number[] };
export type FilterDeps = {
  readonly nftables: Pick<Nftables, "observe" | "apply" | "check">;
  readonly endpoints: Pick<Endpoints, "alive">;
  readonly share: Pick<Share, "policy">;
  readonly masquerade: () => Masquerade | undefined;
  /** Of the networks that pods get addresses of. */
  readonly families: () => readonly Family[];
};
export type FilterResult = {
  readonly changes: number;
  /** What is in the kernel now; `undefined`: what was there, as nothing is wanted yet. */
  readonly ruleset: Ruleset | undefined;
};

export interface PacketFilter {
  /** Whether a sync would not send its batch at once: another is under way, or the kernel must be looked at first. */
  readonly isBusy: boolean;
  /** The next sync looks at the kernel first. */
  forget(): void;
  /**
   * What is known when it begins is in the kernel when it resolves; who asks meanwhile shares the next. Unless it is busy the batch
   * is sent before the caller goes on: what he sends after it comes to the kernel after it. UnavailableError `TABLE_FOREIGN`,
   * `KERNEL_FEATURES`, and those of `Nftables`.
   */
  sync(): Promise<FilterResult>;
  /** What a sync would change, as commands for a shell. Errors as of `sync`. */
  describePlan(): Promise<string[]>;
}

type Seen = { readonly standing: Standing | undefined };
type Context = FilterOptions & FilterDeps & { readonly state: State };
type State = {
  /** `undefined`: the kernel must be looked at. */
  seen: Seen | undefined;
  /** Set while a sync works too, whose own result does not undo it. */
  isForgotten: boolean;
  isChecked: boolean;
};

export function createPacketFilter(options: FilterOptions, deps: FilterDeps): PacketFilter {
  const state: State = { seen: undefined, isForgotten: false, isChecked: false };
  const context: Context = { ...options, ...deps, state };
  let now: Promise<FilterResult> | undefined;
  let next: Promise<FilterResult> | undefined;
  const run = (): Promise<FilterResult> => {
    const mine = sync(context).finally(() => {
      if (now === mine) now = undefined;
    });
    return (now = mine);
  };
  const runNext = (): Promise<FilterResult> => {
    next = undefined;
    return run();
  };
  const isRunning = (): boolean => now !== undefined || next !== undefined;
  return {
    get isBusy() {
      return isRunning() || state.isForgotten || state.seen === undefined;
    },
    forget: () => void (state.isForgotten = true),
    sync: () => {
      if (!isRunning()) return run();
      return (next ??= (now ?? Promise.resolve()).then(runNext, runNext));
    },
    describePlan: async () => {
      const { desired, changes } = prepare(context, await look(state, context));
      return desired && changes.length > 0 ? commandsOf(desired) : [];
    },
  };
}

/** The table as it is to be, in the place of what is there: a change of the one into the other cannot be told as text. */
const commandsOf = (desired: Ruleset): string[] => [
  "nft -f - <<'END'",
  `table inet ${TABLE}`,
  `delete table inet ${TABLE}`,
  ...renderRuleset(desired).trimEnd().split("\n"),
  "END",
];

type Prepared = { readonly desired: Ruleset | undefined; readonly changes: readonly NftChange[] };

function prepare(context: Context, { standing }: Seen): Prepared {
  const { policy } = context.share;
  // Nothing is taken away before the daemon has told its world: what stands there is of an agent that knew it.
  if (!policy && standing) return { desired: undefined, changes: [] };
  const desired = desiredRuleset(policy ?? OPEN_POLICY, {
    endpoints: context.endpoints.alive().map(rulesetEndpoint),
    failsafePorts: context.failsafePorts,
    masquerade: context.masquerade(),
    families: context.families(),
  });
  return { desired, changes: planRuleset(desired, standing) };
}

async function sync(context: Context): Promise<FilterResult> {
  const { state, nftables } = context;
  if (state.isForgotten) state.seen = undefined;
  state.isForgotten = false;
  // Nothing is waited for where the kernel need not be looked at: the batch is sent at once.
  const { desired, changes } = prepare(context, (state.seen ??= await look(state, context)));
  if (changes.length > 0) {
    state.seen = undefined; // of a batch whose answer is lost nobody knows whether it was done
    await nftables.apply(changes);
  }
  if (desired) state.seen = { standing: standingOf(desired) };
  return { changes: changes.length, ruleset: desired };
}

async function look(state: State, { nftables }: FilterDeps): Promise<Seen> {
  const observed = await nftables.observe();
  if (observed.kind === "foreign")
    throw new UnavailableError({
      code: "TABLE_FOREIGN",
      message: `there is a table inet romana that is not Romana's (its comment: "${observed.comment}"): rename or delete it`,
    });
  const missing = state.isChecked ? [] : await missingFeatures(nftables, observed);
  if (missing.length > 0)
    throw new UnavailableError({
      code: "KERNEL_FEATURES",
      message: `the kernel's nf_tables is without ${missing.join("; ")}`,
    });
  state.isChecked = true;
  return { standing: observed.kind === "ours" ? observed.standing : undefined };
}

const rulesetEndpoint = memoize((endpoint: AgentEndpoint): RulesetEndpoint => ({
  pod: podIdOf(endpoint),
  hostInterface: endpoint.hostInterface,
  ips: endpoint.ips.map((text) => parseIp(text)),
}));
