// How long to wait before trying again, and trying again. Never decides what is worth a retry: the caller says so.
import { Milliseconds, type Clock, type Duration, type Rng } from "./clock.ts";
import { UnavailableError } from "./errors.ts";

export type Backoff = { readonly first: Duration; readonly most: Duration };

/** Doubles from `first` to `most`, each time between half and the whole of it, so that many askers spread out. `attempt` counts from 0. */
export function backoffDelay({ first, most }: Backoff, attempt: number, rng: Rng): Duration {
  const full = Math.min(most, first * 2 ** Math.min(attempt, 30));
  return Milliseconds(full / 2 + (full / 2) * rng());
}

export type RetryOptions = {
  readonly backoff: Backoff;
  /** Tries in all; the last one's error is thrown. */
  readonly attempts: number;
  readonly signal?: AbortSignal;
  /** Default: UnavailableError only. */
  readonly retriable?: (error: unknown) => boolean;
  readonly onRetry?: (error: unknown, attempt: number) => void;
};

/** Runs `work` until it succeeds, fails for good, or `attempts` are used up. */
export async function retry<T>(
  work: () => Promise<T>,
  options: RetryOptions,
  { clock, rng }: { clock: Clock; rng: Rng },
): Promise<T> {
  const retriable = options.retriable ?? ((error) => error instanceof UnavailableError);
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt + 1 >= options.attempts || !retriable(error)) throw error;
      options.onRetry?.(error, attempt);
      await clock.sleep(backoffDelay(options.backoff, attempt, rng), options.signal);
    }
  }
}
