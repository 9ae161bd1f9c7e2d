// A start that comes before its store, or in a bad minute of the store, waits for it: whoever ended would be started again, at a higher cost.
import { type Clock, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { retry } from "../../base/retry.ts";

const BACKOFF = { first: Milliseconds(200), most: Seconds(5) };
/** Of a row of failures, each of these is logged. */
const LOG_EVERY = 10;
/** All else is for a person to mend. */
const PASSING = new Set(["STORE_UNREACHABLE", "STORE_TIMEOUT", "STORE_NO_LEADER", "STORE_BUSY"]);

/** What `start` resolves with, as soon as the store lets it; `undefined` where `signal` aborts before. */
export async function startPatiently<T>(
  start: () => Promise<T>,
  signal: AbortSignal,
  { clock, rng, log }: { readonly clock: Clock; readonly rng: Rng; readonly log: Log },
): Promise<T | undefined> {
  const retriable = (error: unknown): boolean =>
    error instanceof UnavailableError && PASSING.has(error.code) && !signal.aborted;
  const onRetry = (error: unknown, attempt: number): void => {
    if (attempt % LOG_EVERY === 0)
      log.warn("the store does not answer, tried again", { error: (error as Error).message, attempt });
  };
  try {
    const options = { backoff: BACKOFF, attempts: Infinity, signal, retriable, onRetry };
    return await retry(start, options, { clock, rng });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
