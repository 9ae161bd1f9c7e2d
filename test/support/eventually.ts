// Waiting in tests that use a real kernel or real processes: a condition becomes true soon, or the test fails with the last reason.
import { setTimeout as delay } from "node:timers/promises";

export type Bounds = {
  /** Milliseconds after which it is too late; 5000. */
  readonly within?: number;
  /** Milliseconds between two looks; 20. */
  readonly every?: number;
};

/** Calls `check` until it does not throw; its result, or its last error once the time is over. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 5000, every = 20 }: Bounds = {},
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await delay(every);
  }
}
