// Syncs the table whenever it is poked, tells how it went, and tries again what the kernel refused. At intervals it looks at the kernel.
import { type Clock, type Duration, Milliseconds, type Rng } from "../../../base/clock.ts";
import type { HealthReporter } from "../../../base/health.ts";
import type { Log } from "../../../base/log.ts";
import { type Runner, startRunner } from "../../../base/runner.ts";
import type { Ruleset } from "../../../core/nft/types.ts";
import type { Metrics } from "../metrics.ts";
import { BACKOFF, LOG_EVERY } from "../sync-loop.ts";
import type { PacketFilter } from "./packet-filter.ts";
import type { Share } from "./share.ts";

export type FilterLoopDeps = {
  readonly filter: PacketFilter;
  readonly share: Pick<Share, "policy">;
  readonly metrics: Metrics;
  readonly health: HealthReporter;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
};

export function startFilterLoop(resync: Duration, deps: FilterLoopDeps): Runner {
  const { filter, share, metrics, health, log, clock } = deps;
  const work = async (): Promise<void> => {
    const start = clock.monotonic();
    const { changes, ruleset } = await filter.sync();
    metrics.filterSync.observe(Milliseconds(clock.monotonic() - start) / 1000);
    if (ruleset) measure(ruleset, metrics);
    if (share.policy) health.ok();
    else health.failed("waiting for the daemon to tell of policies");
    if (changes > 0) log.info("table synced", { changes });
  };
  const onError = (error: unknown, attempt: number): void => {
    metrics.failures.inc({ part: "filter" });
    filter.forget();
    health.failed(String(error));
    if (attempt % LOG_EVERY === 0)
      log.warn("the table is not synced, trying again", { attempt, error: String(error) });
  };
  const loop = startRunner(work, { backoff: BACKOFF, onError }, deps);
  const lookAgain = async (): Promise<void> => {
    filter.forget();
    loop.poke();
  };
  const timer = startRunner(lookAgain, { every: resync, backoff: BACKOFF, onError: () => undefined }, deps);
  return {
    poke: () => loop.poke(),
    close: async () => void (await Promise.all([timer.close(), loop.close()])),
  };
}

function measure({ sets, chains }: Ruleset, metrics: Metrics): void {
  metrics.sets.set(sets.size);
  metrics.rules.set([...chains.values()].reduce((sum, { rules }) => sum + rules.length, 0));
}
