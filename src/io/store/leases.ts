// Leases on the clock: who must renew by when. What becomes of the keys is the driver's.
import { type Clock, type Duration, Milliseconds, Seconds } from "../../base/clock.ts";
import { BugError, type UnavailableError } from "../../base/errors.ts";
import type { LeaseId } from "./store.ts";

const MAX_TTL = 86_400;
const RETRY = Seconds(1);

/** Whole seconds, as etcd counts them; BugError `LEASE_TTL`. */
export function checkTtl(ttl: number): void {
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL) throw new BugError({ code: "LEASE_TTL", ttl });
}

type Lease = { readonly ttl: Duration; deadline: number; expired: boolean };

export class Leases {
  readonly #clock: Clock;
  readonly #expire: (id: LeaseId) => Promise<void>;
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #stop = new AbortController();
  #rearm = new AbortController();
  #isWatching = false;

  /** `expire` is called for each lease that nobody renewed, again after a second while it rejects. */
  constructor(clock: Clock, expire: (id: LeaseId) => Promise<void>) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** `ttl` in seconds. */
  add(id: LeaseId, ttl: number): void {
    const deadline = this.#clock.monotonic() + Seconds(ttl);
    this.#leases.set(id, { ttl: Seconds(ttl), deadline, expired: false });
    if (this.#isWatching) this.#rearm.abort();
    else void this.#watch();
  }

  has(id: LeaseId): boolean {
    return this.#leases.get(id)?.expired === false;
  }

  /** `false`: not known (any more). Throws the reason given to `close`. */
  renew(id: LeaseId): boolean {
    if (this.#stop.signal.aborted) throw this.#stop.signal.reason as UnavailableError;
    const lease = this.#leases.get(id);
    if (!lease || lease.expired || lease.deadline <= this.#clock.monotonic()) return false;
    lease.deadline = this.#clock.monotonic() + lease.ttl;
    return true;
  }

  remove(id: LeaseId): void {
    this.#leases.delete(id);
  }

  close(reason: UnavailableError): void {
    this.#stop.abort(reason);
  }

  /** Sleeps until the nearest deadline, for as long as there are leases. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (this.#leases.size > 0 && !this.#stop.signal.aborted) {
      this.#rearm = new AbortController();
      const nearest = Math.min(...this.#leases.values().map(({ deadline }) => deadline));
      const wait = Milliseconds(Math.max(1, nearest - this.#clock.monotonic()));
      const wake = AbortSignal.any([this.#rearm.signal, this.#stop.signal]);
      await this.#clock.sleep(wait, wake).catch(() => undefined);
      const due = [...this.#leases].filter(([, { deadline }]) => deadline <= this.#clock.monotonic());
      for (const [id, lease] of due) if (!this.#stop.signal.aborted) await this.#end(id, lease);
    }
    this.#isWatching = false;
  }

  async #end(id: LeaseId, lease: Lease): Promise<void> {
    // A renewal while another lease's end was written.
    if (lease.deadline > this.#clock.monotonic()) return;
    lease.expired = true;
    lease.deadline = this.#clock.monotonic() + RETRY;
    await this.#expire(id).then(
      () => this.#leases.delete(id),
      () => undefined,
    );
  }
}
