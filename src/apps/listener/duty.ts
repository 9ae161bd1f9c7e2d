// What the leader keeps true: done when poked and at intervals besides, tried again when it fails. A listener that does not lead has
// nothing to do, and is well.
import { type Clock, type Duration, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { Health } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import type { Leader } from "./leader.ts";
import type { Metrics } from "./metrics.ts";

export type DutyDeps = {
  readonly leader: Pick<Leader, "isLeading">;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly every: Duration;
};

const BACKOFF = { first: Milliseconds(250), most: Seconds(10) };
/** Of a row of failures, each of these is logged. */
const LOG_EVERY = 10;

/** `isKnown`: what it is done from is whole. */
export function startDuty(
  part: string,
  { isKnown, work }: { readonly isKnown: () => boolean; readonly work: () => Promise<void> },
  { leader, metrics, health, log, clock, rng, every }: DutyDeps,
): Runner {
  const reporter = health.reporter(part);
  // In this time of leading.
  let wasDone = false;
  const pass = async (): Promise<void> => {
    if (!leader.isLeading) {
      wasDone = false;
      return reporter.ok();
    }
    if (!wasDone) reporter.failed("under way");
    if (!isKnown()) return;
    await work();
    wasDone = true;
    reporter.ok();
  };
  const onError = (error: unknown, attempt: number): void => {
    // A bug: be restarted.
    if (!(error instanceof UnavailableError || error instanceof InputError)) throw error;
    metrics.failures.inc({ part });
    reporter.failed(String(error));
    if (attempt % LOG_EVERY === 0) log.warn("not done, trying again", { part, error: String(error) });
  };
  return startRunner(pass, { every, backoff: BACKOFF, onError }, { clock, rng });
}
