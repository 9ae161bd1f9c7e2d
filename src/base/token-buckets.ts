// How often each of many clients may do something: a bucket of tokens for each, filled at a steady rate. Memory is bounded, whoever comes.
import type { Duration } from "./clock.ts";

export type BucketOptions = {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
  /** Buckets that are remembered; the one unused for longest gives way, and is full when its client comes again. */
  readonly most: number;
};

export interface TokenBuckets {
  /** Takes a token; 0, or how long until there is one again, and nothing is taken. `now`: monotonic milliseconds. */
  take(key: string, now: number): Duration;
  readonly size: number;
}

/** A bucket is one number, when it is full again (as in ATM's generic cell rate algorithm, ITU-T I.371): nothing is ever counted up. */
export function createTokenBuckets({ perSecond, burst, most }: BucketOptions): TokenBuckets {
  const each = 1000 / perSecond;
  /** The one used last stands last. */
  const fullAt = new Map<string, number>();
  return {
    take(key, now) {
      const full = Math.max(fullAt.get(key) ?? 0, now);
      const wait = full + each - (now + burst * each);
      if (wait > each * 1e-6) return Math.max(wait, 1e-3) as Duration;
      fullAt.delete(key);
      fullAt.set(key, full + each);
      if (fullAt.size > most) fullAt.delete(fullAt.keys().next().value ?? "");
      return 0 as Duration;
    },
    get size() {
      return fullAt.size;
    },
  };
}
