// Waiting, but not for ever.
import type { Clock, Duration } from "./clock.ts";

/** Whether `work` ended in time. What it throws is thrown; after the time nobody hears of it. */
export async function within(clock: Clock, duration: Duration, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const late = clock.sleep(duration, timer.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
