// Leases on the clock: who must renew by when. What becomes of the keys is the driver's.
import { type Clock, type Duration, Milliseconds, Seconds } from "../../base/clock.ts";
import { BugError } from "../../base/errors.ts";
import type { LeaseId } from "./store.ts";

export interface Leases {
  add(id: LeaseId, ttl: number): void;
  has(id: LeaseId): boolean;
  /** `false`: not known (any more). */
  renew(id: LeaseId): boolean;
  remove(id: LeaseId): void;
  close(): void;
}

const MAX_TTL = 86_400;
const RETRY = Seconds(1);

/** Whole seconds, as etcd counts them; BugError `LEASE_TTL`. */
export function checkTtl(ttl: number): void {
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL) throw new BugError({ code: "LEASE_TTL", ttl });
}

type Lease = { readonly ttl: Duration; deadline: number; expired: boolean };

/** `expire` is called for each lease that nobody renewed, again after a second while it rejects. */
export function createLeases(clock: Clock, expire: (id: LeaseId) => Promise<void>): Leases {
  const leases = new Map<LeaseId, Lease>();
  const stop = new AbortController();
  let rearm = new AbortController();
  let isWatching = false;

  /** Sleeps until the nearest deadline, for as long as there are leases. */
  async function watch(): Promise<void> {
    isWatching = true;
    while (leases.size > 0 && !stop.signal.aborted) {
      rearm = new AbortController();
      const nearest = Math.min(...leases.values().map(({ deadline }) => deadline));
      const wait = Milliseconds(Math.max(1, nearest - clock.monotonic()));
      await clock.sleep(wait, AbortSignal.any([rearm.signal, stop.signal])).catch(() => undefined);
      const due = [...leases].filter(([, { deadline }]) => deadline <= clock.monotonic());
      for (const [id, lease] of due) if (!stop.signal.aborted) await end(id, lease);
    }
    isWatching = false;
  }

  async function end(id: LeaseId, lease: Lease): Promise<void> {
    // A renewal while another lease's end was written.
    if (lease.deadline > clock.monotonic()) return;
    lease.expired = true;
    lease.deadline = clock.monotonic() + RETRY;
    await expire(id).then(
      () => leases.delete(id),
      () => undefined,
    );
  }

  return {
    add(id, ttl) {
      leases.set(id, { ttl: Seconds(ttl), deadline: clock.monotonic() + Seconds(ttl), expired: false });
      if (isWatching) rearm.abort();
      else void watch();
    },
    has: (id) => leases.get(id)?.expired === false,
    renew(id) {
      const lease = leases.get(id);
      if (!lease || lease.expired || lease.deadline <= clock.monotonic()) return false;
      lease.deadline = clock.monotonic() + lease.ttl;
      return true;
    },
    remove: (id) => void leases.delete(id),
    close: () => stop.abort(),
  };
}
