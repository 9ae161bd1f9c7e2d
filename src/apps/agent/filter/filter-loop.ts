// Syncs the table whenever it is poked, tells how it went, and tries again what the kernel refused. It looks at the kernel when others changed
// the table, and at intervals.
import { type Clock, type Duration, Milliseconds, type Rng } from "../../../base/clock.ts";
import type { HealthReporter } from "../../../base/health.ts";
import type { Log } from "../../../base/log.ts";
import { type Runner, startRunner } from "../../../base/runner.ts";
import type { Ruleset } from "../../../core/nft/types.ts";
import type { Nftables } from "../../../io/kernel/nftables.ts";
import { GAP } from "../heal.ts";
import type { Metrics } from "../metrics.ts";
import { BACKOFF, LOG_EVERY } from "../sync-loop.ts";
import type { PacketFilter } from "./packet-filter.ts";
import type { Share } from "./share.ts";

export type FilterLoopDeps = {
  readonly filter: PacketFilter;
  readonly nftables: Pick<Nftables, "watch">;
  readonly share: Pick<Share, "policy">;
  readonly metrics: Metrics;
  readonly health: HealthReporter;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
};

/** UnavailableErrors of `Nftables.watch`. */
export async function startFilterLoop(resync: Duration, deps: FilterLoopDeps): Promise<Runner> {
  const { filter, nftables, share, metrics, health, log, clock } = deps;
  let heard = (): void => undefined;
  // Before the first look, so that nothing is missed.
  await nftables.watch(() => heard());
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
  const lookAgain = async (signal: AbortSignal): Promise<void> => {
    filter.forget();
    loop.poke();
    await clock.sleep(GAP, signal);
  };
  const timer = startRunner(lookAgain, { every: resync, backoff: BACKOFF, onError: () => undefined }, deps);
  heard = () => {
    metrics.tableChanges.inc();
    filter.forget(); // what is being planned right now is old already
    timer.poke();
  };
  return {
    poke: () => loop.poke(),
    close: async () => void (await Promise.all([timer.close(), loop.close()])),
  };
}

function measure({ sets, chains }: Ruleset, metrics: Metrics): void {
  metrics.sets.set(sets.size);
  metrics.rules.set([...chains.values()].reduce((sum, { rules }) => sum + rules.length, 0));
}
