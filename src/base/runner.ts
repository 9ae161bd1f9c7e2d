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

/** Why the wait ends, mostly after its end. Without it an exception is made each time, and its stack: half of what an idle loop costs. */
const WOKEN = "woken";

type Work = (signal: AbortSignal) => Promise<void>;
type Timing = { readonly clock: Clock; readonly rng: Rng };

/** Starts the loop; the first run is at once. */
export const startRunner = (work: Work, options: RunnerOptions, timing: Timing): Runner =>
  new Loop(work, options, timing);

class Loop implements Runner {
  readonly #work: Work;
  readonly #options: RunnerOptions;
  readonly #timing: Timing;
  readonly #stop = new AbortController();
  readonly #finished: Promise<void>;
  #poked = true;
  #wake: () => void = () => undefined;

  constructor(work: Work, options: RunnerOptions, timing: Timing) {
    this.#work = work;
    this.#options = options;
    this.#timing = timing;
    this.#finished = this.#run();
  }

  poke(): void {
    this.#poked = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#finished;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      this.#poked = false;
      try {
        await this.#work(signal);
        failures = 0;
        if (!this.#poked) await this.#idle();
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError(error, failures);
        await this.#pause(failures++);
      }
    }
  }

  /** Until the next poke, stop or `every`. */
  async #idle(): Promise<void> {
    const { every } = this.#options;
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#poked || this.#stop.signal.aborted) return;
    if (every === undefined) return woken;
    const { clock, rng } = this.#timing;
    const timer = new AbortController();
    const jittered = (every * (0.9 + 0.2 * rng())) as Duration;
    await Promise.race([woken, clock.sleep(jittered, timer.signal).catch(() => undefined)]);
    timer.abort(WOKEN);
  }

  #pause(failures: number): Promise<void> {
    const { clock, rng } = this.#timing;
    const delay = backoffDelay(this.#options.backoff, failures, rng);
    return clock.sleep(delay, this.#stop.signal).catch(() => undefined);
  }
}
