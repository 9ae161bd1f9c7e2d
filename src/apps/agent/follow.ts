// Following one replica of the daemon: register, report, watch.
import type { HostRequest } from "../../core/api/types.ts";
import { type Clock, type Duration, type Rng, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { createSeenKeeper } from "../../io/daemon/seen-file.ts";
import { report, type ReportDeps, seenBy, seenFile } from "./report.ts";
import type { ScopedWatch } from "./scoped-watch.ts";

export type IntroduceDeps = ReportDeps & {
  /** What this node registers as, now; `undefined`: somebody else registers it. */
  readonly registration: () => HostRequest | undefined;
};
export type News = {
  /** The snapshot is another than before, or the share of the policies. */
  readonly isOther: boolean;
  readonly isOtherPolicy: boolean;
  /** The replica does not hear its store. */
  readonly isBehind: boolean;
};
export type FollowDeps = IntroduceDeps & {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly reportInterval: Duration;
  /** After lines were taken. */
  readonly heard: (news: News) => void;
  readonly watch: ScopedWatch;
};

/** While the daemons wait for reports: one that starts meanwhile begins to count anew. */
const REPORT_AGAIN = Seconds(5);

/** One connection, until it ends. UnavailableError at its end, or why it was not begun; `signal` ends it in silence. */
export async function followOnce(deps: FollowDeps, signal: AbortSignal): Promise<void> {
  const { replica, mirror, watch } = deps;
  const keep = createSeenKeeper(seenFile(deps.stateDir), deps);
  let registered = await register(deps, signal);
  const introduceAgain = createIntroducer(deps, await report(deps, signal));
  for await (const lines of watch.lines(replica, signal)) {
    const { policy } = mirror;
    let isOther = false;
    for (const line of lines) isOther = mirror.apply(line) || isOther;
    const isBehind = lines.some((line) => line.type === "bookmark" && line.behind);
    deps.heard({ isOther, isOtherPolicy: mirror.policy !== policy, isBehind });
    await keep(seenBy(mirror));
    // The node's addresses may change while it runs; bookmarks come twice a second.
    if (registered !== JSON.stringify(deps.registration())) registered = await register(deps, signal);
    await introduceAgain(signal);
  }
  if (!signal.aborted) throw new UnavailableError({ code: "WATCH_ENDED", url: replica.url.origin });
}

/** Registers and reports; whether the daemons wait for nobody. UnavailableError `STORE_FORGOT`: what this store says must not be believed yet. */
export async function introduce(deps: IntroduceDeps, signal: AbortSignal): Promise<boolean> {
  await register(deps, signal);
  return report(deps, signal);
}

/** What was registered, as text. */
async function register({ replica, registration }: IntroduceDeps, signal: AbortSignal): Promise<string> {
  const wanted = registration();
  if (wanted) await replica.register(wanted, signal);
  return JSON.stringify(wanted);
}

/**
 * Reports at intervals, called whenever something was heard: what this node does not tell of for long is taken for leaked. That it cannot be
 * told now is no reason to follow another daemon.
 */
function createIntroducer(deps: FollowDeps, isReady: boolean): (signal: AbortSignal) => Promise<void> {
  const { clock, rng, reportInterval, log } = deps;
  // All agents of a daemon that was away come back at once: from then on they spread out.
  let next = clock.monotonic() + (isReady ? reportInterval * (0.5 + rng() / 2) : REPORT_AGAIN);
  return async (signal) => {
    if (clock.monotonic() < next) return;
    next = clock.monotonic() + reportInterval * (0.9 + rng() / 5);
    try {
      // Registers too: an operator may have removed the host while it was in use.
      if (!(await introduce(deps, signal))) next = clock.monotonic() + REPORT_AGAIN;
    } catch (error) {
      if (!(error instanceof UnavailableError) || error.code === "STORE_FORGOT") throw error;
      log.warn("not reported to the daemon", { error: error.message });
    }
  };
}
