// The loop that syncs whenever it is poked, tells how it went, and tries again what the kernel refused.
import { type Clock, type Duration, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { HealthReporter } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import type { Cidr } from "../../core/net/cidr.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Metrics } from "./metrics.ts";
import { overlapFault } from "./overlap.ts";
import { type Observation, subnetsOf } from "./observe.ts";
import type { Reconciler, SyncResult } from "./reconcile.ts";

export const BACKOFF = { first: Milliseconds(50), most: Seconds(2) };
/** Of a row of failures, each of these is logged. */
export const LOG_EVERY = 10;

/** A pass that takes longer rests as long as it took, so that what comes meanwhile is one pass and half a processor stays free. */
const REST_FROM = Milliseconds(20);

/** After this without a word the loop hangs: the timer alone makes it sync every `resync`. */
export const silence = (resync: Duration): Duration => Milliseconds(3 * resync + Seconds(30));

export type SyncLoopDeps = {
  readonly reconciler: Reconciler;
  readonly mirror: Mirror;
  readonly endpoints: Endpoints;
  readonly metrics: Metrics;
  readonly health: HealthReporter;
  readonly log: Log;
  /** `--service-cluster-ip-range`. */
  readonly services: readonly Cidr[];
  readonly clock: Clock;
  readonly rng: Rng;
};

/** Syncs at once, then when poked. `synced`: after each sync that the kernel took. */
export function startSyncLoop(deps: SyncLoopDeps, synced: (now: Observation) => void): Runner {
  const { reconciler, metrics, health, log, clock } = deps;
  let blocked = 0;
  const work = async (signal: AbortSignal): Promise<void> => {
    const start = clock.monotonic();
    const result = await reconciler.sync();
    const took = Milliseconds(clock.monotonic() - start);
    measure(result, deps, took);
    if (result.blocked > blocked)
      log.warn("routes of others stand in the way of ours, and stay", { count: result.blocked });
    blocked = result.blocked;
    throwRefused(result);
    reportHealth(deps, result.now);
    synced(result.now);
    if (took > REST_FROM) await clock.sleep(took, signal);
  };
  const onError = (error: unknown, attempt: number): void => {
    metrics.failures.inc({ part: "sync" });
    reconciler.forget();
    health.failed(String(error));
    if (attempt % LOG_EVERY === 0) log.warn("sync failed, trying again", { attempt, error: String(error) });
  };
  return startRunner(work, { backoff: BACKOFF, onError }, deps);
}

/** UnavailableError `CHANGES_REFUSED`, with the first of them. */
export function throwRefused({ refused }: SyncResult): void {
  const [first] = refused;
  if (!first) return;
  const { change, message } = first;
  throw new UnavailableError({ code: "CHANGES_REFUSED", count: refused.length, change, reason: message });
}

function measure(
  result: SyncResult,
  { metrics, endpoints, mirror, log }: SyncLoopDeps,
  took: Duration,
): void {
  const { changes, refused, routes } = result;
  const count = changes.length + result.now.settings.length;
  metrics.sync.observe(took / 1000);
  for (const { kind } of changes) metrics.changes.inc({ change: kind });
  metrics.routes.set(routes);
  metrics.endpoints.set(endpoints.alive().length);
  const { revision } = mirror.snapshot;
  if (count > 0) log.info("synced", { changes: count, refused: refused.length, routes, revision });
}

function reportHealth({ mirror, health, services }: SyncLoopDeps, now: Observation): void {
  const subnets = subnetsOf(now).map(({ prefix }) => prefix);
  const fault = mirror.synced
    ? overlapFault(mirror.snapshot, { services, subnets })
    : "waiting for the daemon";
  if (fault === undefined) health.ok();
  else health.failed(fault);
}
