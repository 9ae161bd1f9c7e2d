// Puts the plugin and its list in place once the agent is ready, never before: a runtime that finds a list tells its kubelet that the
// node has a network. What is taken away or changed by hand comes back.
import { type Clock, type Duration, Milliseconds, type Rng } from "../../../base/clock.ts";
import type { HealthReporter } from "../../../base/health.ts";
import type { Log } from "../../../base/log.ts";
import { type Runner, startRunner } from "../../../base/runner.ts";
import { BACKOFF, LOG_EVERY } from "../sync-loop.ts";
import { installPlugin, listsBefore, type PluginPlaces } from "./plugin-files.ts";

const LOOK = Milliseconds(100);

export type KeepPluginOptions = PluginPlaces & { readonly cniInstall: string; readonly resync: Duration };
export type KeepPluginDeps = {
  readonly isReady: () => boolean;
  readonly health: HealthReporter;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
};

export function keepPlugin(options: KeepPluginOptions, deps: KeepPluginDeps): Runner {
  const { isReady, health, log, clock } = deps;
  let others = "";
  const work = async (signal: AbortSignal): Promise<void> => {
    while (!isReady()) await clock.sleep(LOOK, signal);
    const files = await installPlugin(options.cniInstall, options);
    if (files.length > 0) log.info("plugin installed", { files });
    const before = (await listsBefore(options)).join(", ");
    if (before !== "" && before !== others)
      log.warn("the runtime takes another's list before ours", { lists: before });
    others = before;
    health.ok();
  };
  const onError = (error: unknown, attempt: number): void => {
    health.failed(String(error));
    if (attempt % LOG_EVERY === 0) log.warn("plugin not installed, trying again", { error: String(error) });
  };
  return startRunner(work, { every: options.resync, backoff: BACKOFF, onError }, deps);
}
