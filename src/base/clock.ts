// Time and chance, the only place that touches them. Code takes a `Clock` and an `Rng` as dependencies;
// tests give their own.
import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds. Made by `Milliseconds`, `Seconds`, never written as a bare number. */
export type Duration = number & { readonly brand: "ms" };
export const Milliseconds = (n: number): Duration => n as Duration;
export const Seconds = (n: number): Duration => (n * 1000) as Duration;

export interface Clock {
  /** Wall time, milliseconds since 1970. */
  now(): number;
  /** Monotonic time, milliseconds with fractions; only differences mean something. */
  monotonic(): number;
  /** Resolves after `duration`; rejects with the signal's reason when aborted. */
  sleep(duration: Duration, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (duration, signal) => delay(duration, undefined, signal ? { signal } : {}),
};

/** Uniform in [0, 1). */
export type Rng = () => number;
export const systemRng: Rng = () => Math.random();

/** A seeded generator (mulberry32): same seed, same sequence. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
