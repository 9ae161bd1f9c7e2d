// Time that passes when a test says so.
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../src/base/clock.ts";

export interface FakeClock extends Clock {
  /** Lets `ms` pass: sleeps end one by one in order of their ends, and what they wake runs before the next. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock `ms` ahead, or back; no time passes. */
  jump(ms: number): void;
  /** Sleeps that have not ended. */
  readonly sleeping: number;
}

type Sleeper = { readonly end: number; readonly wake: () => void };

/** `start`: wall time, milliseconds since 1970. */
export function createFakeClock(start = 1_700_000_000_000): FakeClock {
  let [time, ahead] = [0, 0];
  const sleepers = new Set<Sleeper>();
  const next = (until: number): Sleeper | undefined =>
    [...sleepers].filter(({ end }) => end <= until).sort((a, b) => a.end - b.end)[0];
  return {
    now: () => start + ahead + time,
    monotonic: () => time,
    get sleeping() {
      return sleepers.size;
    },
    sleep: (duration, signal) =>
      new Promise((resolve, reject) => {
        const settle = (done: () => void): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", abort);
          done();
        };
        const sleeper = { end: time + duration, wake: () => settle(resolve) };
        const abort = (): void => settle(() => reject(signal?.reason as Error));
        sleepers.add(sleeper);
        signal?.addEventListener("abort", abort, { once: true });
        if (signal?.aborted) abort();
      }),
    jump(ms) {
      ahead += ms;
    },
    async advance(ms) {
      const until = time + ms;
      await turn();
      for (let sleeper = next(until); sleeper; sleeper = next(until)) {
        time = sleeper.end;
        sleeper.wake();
        await turn();
      }
      time = until;
      await turn();
    },
  };
}
