// The store's changes, followed without end: one watch of everything feeds the change log that serves all watchers. Reopened where
// it broke, at another member; what compaction took is skipped and told. Because all keys are watched, every revision has an event,
// so how far the feed is needs no word of the server.
import { type Clock, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { backoffDelay } from "../../base/retry.ts";
import { type ChangeLog, HISTORY_REVISIONS } from "./change-log.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { EtcdError, moreTelling } from "./etcd-errors.ts";
import { methods } from "./etcd-proto.ts";
import { REPEATABLE } from "./etcd-read.ts";
import { type Change, CompactedError, watchChanges } from "./etcd-watch.ts";
import { createGate } from "./gate.ts";

const BACKOFF = { first: Milliseconds(50), most: Seconds(1) };
/** After this long without a watch those who follow are told that they hear nothing. */
const LOST_AFTER = Seconds(5);

export type FeedDeps = {
  readonly client: EtcdClient;
  readonly changes: ChangeLog;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
};

export class EtcdFeed {
  readonly #deps: FeedDeps;
  readonly #news = createGate();
  #position: number;
  /** Nothing behind it has been compacted by us. */
  #kept: number;
  #outage = new AbortController();
  #brokenAt: number | undefined;
  #told: EtcdError | undefined;
  #running: Promise<void> | undefined;

  /** Follows what comes after `since`, until the client fails. */
  constructor(since: number, deps: FeedDeps) {
    this.#position = this.#kept = since;
    this.#deps = deps;
  }

  /** Everything up to it is in the change log. */
  get position(): number {
    return this.#position;
  }

  /** Aborts when nothing is heard, with the UnavailableError that says why. Another one once something is heard again. */
  get outage(): AbortSignal {
    return AbortSignal.any([this.#outage.signal, this.#deps.client.failed]);
  }

  /** Resolves when etcd serves the watch; rejects with the reason why it does not. */
  async start(): Promise<void> {
    this.#brokenAt = this.#deps.clock.monotonic();
    this.#running = this.#run();
    const { outage } = this;
    while (this.#brokenAt !== undefined) {
      outage.throwIfAborted();
      await this.#news.wait(outage);
    }
  }

  /** Resolves when everything up to `revision` is in the change log; rejects with the reason why it is not, or with that of `signal`. */
  async reached(revision: number, signal: AbortSignal): Promise<void> {
    while (this.#position < revision) {
      const either = AbortSignal.any([signal, this.outage]);
      either.throwIfAborted();
      await this.#news.wait(either);
    }
  }

  /** Resolves once the client has failed and nothing is followed any more. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { client, clock, rng } = this.#deps;
    const signal = client.failed;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#follow(() => (failures = 0));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CompactedError) this.#skip(error.oldest);
        else if (error instanceof EtcdError) this.#broken(error, failures);
        else throw error;
        await clock.sleep(backoffDelay(BACKOFF, failures++, rng), signal).catch(() => undefined);
      }
    }
  }

  async #follow(onLife: () => void): Promise<void> {
    const { client, clock } = this.#deps;
    const { endpoint } = client;
    const { connection } = endpoint;
    try {
      const terms = await client.terms(endpoint);
      const watch = { endpoint, terms, since: this.#position, clock, signal: client.failed };
      for await (const changes of watchChanges(watch)) {
        onLife();
        this.#take(changes);
      }
    } catch (error) {
      if (error instanceof CompactedError || client.failed.aborted) throw error;
      client.leave(endpoint, connection);
      // A token that has ended is one of the reasons, and a log-in costs little.
      client.forgetToken();
      throw error;
    }
  }

  #take(changes: readonly Change[]): void {
    const { client, changes: log } = this.#deps;
    for (const { revision, events } of changes) {
      log.append(revision, events);
      this.#position = revision;
    }
    client.note(this.#position);
    if (this.#outage.signal.aborted) this.#outage = new AbortController();
    this.#brokenAt = this.#told = undefined;
    this.#news.open();
    const forgotten = this.#position - HISTORY_REVISIONS;
    if (forgotten - this.#kept < HISTORY_REVISIONS) return;
    this.#kept = forgotten;
    void this.#forget(forgotten);
  }

  /** etcd keeps every version until it is told to compact, and is full one day. Other daemons say the same, which does no harm. */
  async #forget(revision: number): Promise<void> {
    const { client, log } = this.#deps;
    await client.call(methods.compact, { revision }, REPEATABLE).catch((error: unknown) => {
      if (!(error instanceof EtcdError)) throw error;
      if (error.code !== "STORE_COMPACTED")
        log.warn("etcd not compacted", { error: error.message, revision });
    });
  }

  /** What was between is gone: whoever was not past it has to list again. */
  #skip(oldest: number): void {
    this.#deps.log.warn("etcd compacted what was not read yet", { position: this.#position, oldest });
    this.#deps.changes.append(oldest, []);
    this.#deps.changes.compact(oldest);
    this.#position = oldest;
    this.#news.open();
  }

  #broken(error: EtcdError, failures: number): void {
    const { clock, log } = this.#deps;
    this.#told = moreTelling(this.#told, error);
    this.#brokenAt ??= clock.monotonic();
    if (failures === 0) log.warn("watch of etcd broken", { error: error.message, position: this.#position });
    if (clock.monotonic() - this.#brokenAt < LOST_AFTER && error.code !== "STORE_DENIED") return;
    this.#outage.abort(this.#told);
  }
}
