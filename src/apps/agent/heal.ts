// Hears what others do to this node's kernel and has it looked at again. Hearing is at once; the timer only mends what nobody told.
import { type Clock, type Duration, Milliseconds, type Rng } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import type { Notification } from "../../core/netlink/types.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Metrics } from "./metrics.ts";
import type { Reconciler } from "./reconcile.ts";
import { BACKOFF } from "./sync-loop.ts";

/** Least time between two looks, so that a fight with another program about a route or a rule costs it more than this node. */
export const GAP = Milliseconds(100);

export type HealDeps = {
  readonly reconciler: Reconciler;
  readonly endpoints: Endpoints;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Asks for a sync. */
  readonly poke: () => void;
  readonly clock: Clock;
  readonly rng: Rng;
};

/** Looks at the kernel anew at once, when poked, and every `resync` (jittered, so that nodes spread out). */
export function startHealer(resync: Duration, { reconciler, poke, ...deps }: HealDeps): Runner {
  const work = async (signal: AbortSignal): Promise<void> => {
    reconciler.forget();
    poke();
    await deps.clock.sleep(GAP, signal);
  };
  return startRunner(work, { every: resync, backoff: BACKOFF, onError: () => undefined }, deps);
}

/** Ends as `notifications` does. */
export async function listen(
  notifications: AsyncIterable<readonly Notification[]>,
  { reconciler, endpoints, metrics, log }: HealDeps,
  healer: Runner,
): Promise<void> {
  for await (const some of notifications) {
    if (some.some(({ kind }) => kind === "overrun")) {
      log.warn("notifications were lost, the kernel is looked at anew");
      metrics.failures.inc({ part: "notifications" });
    }
    for (const each of some) if (each.kind === "link" && each.deleted) endpoints.leaveLink(each.link.index);
    if (some.some((each) => reconciler.concerns(each))) {
      reconciler.forget(); // what is being planned right now is old already
      healer.poke();
    }
  }
}
