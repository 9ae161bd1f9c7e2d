// Leases on the clock: who must renew by when. What expiry does to the keys is the driver's.
import { type Clock, type Duration, Milliseconds, Seconds } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import type { LeaseId } from "./store.ts";

export interface Leases {
  add(id: LeaseId, ttl: number): void;
  /** `false`: not known (any more). */
  renew(id: LeaseId): boolean;
  remove(id: LeaseId): void;
  close(): void;
}

const MAX_TTL = 86_400;

/** Seconds; InputError where it is not a lease's time. */
export function checkTtl(ttl: number): void {
  if (!Number.isFinite(ttl) || ttl <= 0 || ttl > MAX_TTL)
    throw new InputError({
      code: "LEASE_TTL",
      field: "ttl",
      value: ttl,
      expected: `seconds, more than 0 and at most ${MAX_TTL}`,
    });
}

/** `expire` is called once for a lease that nobody renewed; it is forgotten by then. */
export function createLeases(clock: Clock, expire: (id: LeaseId) => void): Leases {
  const leases = new Map<LeaseId, { ttl: Duration; deadline: number }>();
  const stop = new AbortController();
  let rearm = new AbortController();
  let watching = false;
  const nearest = (): number => Math.min(...[...leases.values()].map(({ deadline }) => deadline));

  /** Sleeps until the nearest deadline, for as long as there are leases. */
  async function watch(): Promise<void> {
    while (leases.size > 0 && !stop.signal.aborted) {
      rearm = new AbortController();
      const wait = Milliseconds(Math.max(1, nearest() - clock.monotonic()));
      await clock.sleep(wait, AbortSignal.any([rearm.signal, stop.signal])).catch(() => undefined);
      for (const [id, { deadline }] of leases)
        if (deadline <= clock.monotonic() && !stop.signal.aborted) {
          leases.delete(id);
          expire(id);
        }
    }
    watching = false;
  }

  return {
    add(id, ttl) {
      leases.set(id, { ttl: Seconds(ttl), deadline: clock.monotonic() + Seconds(ttl) });
      if (watching) rearm.abort();
      else {
        watching = true;
        void watch();
      }
    },
    renew(id) {
      const lease = leases.get(id);
      if (!lease || lease.deadline <= clock.monotonic()) return false;
      lease.deadline = clock.monotonic() + lease.ttl;
      return true;
    },
    remove: (id) => void leases.delete(id),
    close() {
      stop.abort();
    },
  };
}
