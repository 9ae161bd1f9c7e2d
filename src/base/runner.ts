// A loop that works when poked and at intervals besides: bursts of pokes coalesce into one run, failures back off.
// Never runs twice at a time.
import type { Clock, Duration, Rng } from "./clock.ts";
import { backoffDelay, type Backoff } from "./retry.ts";

export interface Runner {
  /** Asks for a run soon; pokes during a run make exactly one more. */
  poke(): void;
  /** Ends the loop; resolves when the current run has finished. */
  close(): Promise<void>;
}

export type RunnerOptions = {
  /** A run happens at least this often, jittered by ±10 %; `undefined`: only when poked. */
  readonly every?: Duration;
  readonly backoff: Backoff;
  /** Called with each failure; the loop goes on with backoff. A throw here ends the loop (crash on BugError). */
  readonly onError: (error: unknown, attempt: number) => void;
};

/** Starts the loop; the first run is at once. */
export function startRunner(
  work: (signal: AbortSignal) => Promise<void>,
  options: RunnerOptions,
  { clock, rng }: { clock: Clock; rng: Rng },
): Runner {
  const stop = new AbortController();
  let poked = true;
  let wake: () => void = () => undefined;
  const finished = loop();
  return {
    poke: () => {
      poked = true;
      wake();
    },
    close: async () => {
      stop.abort();
      wake();
      await finished;
    },
  };

  async function loop(): Promise<void> {
    let failures = 0;
    while (!stop.signal.aborted) {
      poked = false;
      try {
        await work(stop.signal);
        failures = 0;
        if (!poked) await idle(options.every);
      } catch (error) {
        if (stop.signal.aborted) return;
        options.onError(error, failures);
        await pause(backoffDelay(options.backoff, failures++, rng));
      }
    }
  }

  /** Until the next poke, stop or `every`. */
  async function idle(every: Duration | undefined): Promise<void> {
    const woken = new Promise<void>((resolve) => (wake = resolve));
    if (poked || stop.signal.aborted) return;
    if (every === undefined) return woken;
    const timer = new AbortController();
    const jittered = (every * (0.9 + 0.2 * rng())) as Duration;
    await Promise.race([woken, clock.sleep(jittered, timer.signal).catch(() => undefined)]);
    timer.abort();
  }

  function pause(delay: Duration): Promise<void> {
    return clock.sleep(delay, stop.signal).catch(() => undefined);
  }
}
