// The one writer: takes what waits, plans each request on the state, commits them as one transaction, then answers. An answer is given only when
// its writes are durable; what writes nothing (a refusal, an address that is there already) only when the state it stands on was current.
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";
import { BugError, InputError, UnavailableError } from "../../base/errors.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import type { Plan } from "../../core/ipam/types.ts";
import { topologyKey } from "../../core/model/keys.ts";
import type { Compare, Store } from "../../io/store/store.ts";
import { Batch } from "./batch.ts";
import type { DaemonMetrics } from "./metrics.ts";
import type { Mirror } from "./mirror.ts";

/** Requests merged into one transaction. */
const MAX_BATCH = 30;
/** Requests that may wait; more are refused, so that a stuck disk does not fill the memory. */
const MAX_WAITING = 4096;
/** Times a request is planned anew after a conflict. */
const MAX_ATTEMPTS = 8;

/** What a request comes to on a state. Throwing refuses it. `compares`: beyond those of the plan's records. */
export type Decision<T> = { readonly value: T; readonly plan?: Plan; readonly compares?: readonly Compare[] };
export type Decide<T> = (state: IpamState) => Decision<T>;

type Waiting = {
  readonly decide: Decide<unknown>;
  readonly isWanted: () => boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
  /** The state has all that was in the store when this was asked. */
  isCurrent: boolean;
  /** Merged with others it was too much for the store. */
  isAlone?: true;
};
type Outcome =
  | { readonly kind: "done"; readonly value: unknown; readonly writes: boolean }
  | { readonly kind: "refused"; readonly error: unknown };
type Planned = { readonly waiting: Waiting; readonly outcome: Outcome };

export type WriterDeps = {
  readonly store: Store;
  readonly mirror: Mirror;
  readonly clock: Clock;
  readonly metrics: DaemonMetrics;
};

export class Writer {
  readonly #deps: WriterDeps;
  readonly #queue: Waiting[] = [];
  readonly #confirming = new Set<Promise<void>>();
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves with the decision's value when its writes are durable; rejects with what `decide` threw, or UnavailableError. Not begun with
   * when its turn comes and `isWanted` says no: who asked has gone, and may have asked another daemon meanwhile.
   */
  submit<T>(decide: Decide<T>, isWanted = (): boolean => true): Promise<T> {
    if (this.#closed) return Promise.reject(new UnavailableError({ code: "STOPPING" }));
    if (this.#queue.length >= MAX_WAITING)
      return Promise.reject(new UnavailableError({ code: "QUEUE_FULL" }));
    return new Promise<T>((resolve, reject) => {
      const answers = { resolve: resolve as (value: unknown) => void, reject };
      this.#queue.push({ decide, isWanted, ...answers, attempts: 0, isCurrent: false });
      this.#working ??= this.#work();
    });
  }

  /** Refuses what comes, finishes what waits. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#working ?? this.#confirming.size > 0)
      await Promise.all([this.#working, ...this.#confirming]);
  }

  async #work(): Promise<void> {
    // After the present turn, so that requests which came together are merged; and after the next look at all connections: that one ended is
    // read later than what it brought before.
    await setImmediate();
    await setImmediate();
    for (let size = MAX_BATCH; this.#queue.length > 0;) {
      const conflict = await this.#deps.mirror.lock.run(() => this.#runBatch(size));
      if (conflict !== undefined) await this.#catchUp(conflict);
      // After a conflict one by one, so that only what conflicts waits.
      size = conflict === undefined ? MAX_BATCH : 1;
    }
    this.#working = undefined;
  }

  /** The store's revision if it conflicted: all of the batch waits again. */
  async #runBatch(size: number): Promise<number | undefined> {
    const batch = new Batch(this.#deps.mirror);
    const planned = this.#plan(batch, size);
    try {
      const conflict = batch.isEmpty ? undefined : await this.#commit(batch);
      if (conflict === undefined) this.#settle(planned);
      else this.#again(planned);
      return conflict;
    } catch (error) {
      batch.undo();
      this.#fail(planned, error);
      return undefined;
    }
  }

  /** It may have been applied all the same: then the watch tells, and until it does, compares fail. */
  #fail(planned: readonly Planned[], error: unknown): void {
    const isTooBig = error instanceof UnavailableError && error.code === "STORE_TXN_TOO_BIG";
    // Who is too big alone must not be the end of those that he was merged with.
    if (isTooBig && planned.length > 1) {
      for (const { waiting } of planned) waiting.isAlone = true;
      this.#again(planned);
    } else for (const { waiting } of planned) waiting.reject(error);
  }

  #plan(batch: Batch, size: number): Planned[] {
    const planned: Planned[] = [];
    while (planned.length < size) {
      const waiting = this.#queue[0];
      if (!waiting || (waiting.isAlone && planned.length > 0)) break;
      if (!waiting.isWanted()) {
        waiting.reject(new UnavailableError({ code: "ASKER_GONE" }));
        this.#queue.shift();
        continue;
      }
      const outcome = decideInto(batch, this.#deps.mirror.state, waiting);
      if (outcome === "full") break;
      this.#queue.shift();
      planned.push({ waiting, outcome });
      if (waiting.isAlone) break;
    }
    this.#deps.metrics.batch.observe(planned.length);
    return planned;
  }

  async #commit(batch: Batch): Promise<number | undefined> {
    const { store, mirror, clock, metrics } = this.#deps;
    const { compares, operations } = batch;
    const start = clock.monotonic();
    const result = await store.txn(compares, operations);
    metrics.commitSeconds.observe((clock.monotonic() - start) / 1000);
    metrics.transactions.inc({ outcome: result.kind });
    if (result.kind === "conflict") {
      batch.undo();
      return result.revision;
    }
    const keys = (kind: "put" | "delete") =>
      operations.filter((op) => op.kind === kind).map(({ key }) => key);
    mirror.committed(result.revision, keys("put"), keys("delete"));
    return undefined;
  }

  #settle(planned: readonly Planned[]): void {
    const stale: Waiting[] = [];
    for (const { waiting, outcome } of planned) {
      if (!waiting.isCurrent && standsOnState(outcome)) stale.push(waiting);
      else if (outcome.kind === "done") waiting.resolve(outcome.value);
      else waiting.reject(outcome.error);
    }
    if (stale.length === 0) return;
    const confirming = this.#confirm(stale).finally(() => this.#confirming.delete(confirming));
    this.#confirming.add(confirming);
  }

  /** No compare guards what writes nothing, and another daemon may have been quicker: decided again on a state that has all that the store has now. */
  async #confirm(stale: readonly Waiting[]): Promise<void> {
    try {
      const { revision } = await this.#deps.store.get(topologyKey);
      await this.#deps.mirror.catchUp(revision);
    } catch (error) {
      for (const waiting of stale) waiting.reject(error);
      return;
    }
    for (const waiting of stale) waiting.isCurrent = true;
    this.#queue.unshift(...stale);
    this.#working ??= this.#work();
  }

  /** What cannot be read now is planned on the old state: it conflicts again, a bounded number of times. */
  async #catchUp(revision: number): Promise<void> {
    try {
      await this.#deps.mirror.catchUp(revision);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      this.#deps.metrics.errors.inc({ loop: "writer" });
    }
  }

  #again(planned: readonly Planned[]): void {
    for (const { waiting } of planned.toReversed()) {
      if (++waiting.attempts < MAX_ATTEMPTS) this.#queue.unshift(waiting);
      else waiting.reject(new UnavailableError({ code: "CONTENTION", attempts: waiting.attempts }));
    }
  }
}

/** "full": the plan does not fit into this batch any more. */
function decideInto(batch: Batch, state: IpamState, waiting: Waiting): Outcome | "full" {
  try {
    const { value, plan, compares } = waiting.decide(state);
    if (plan && !batch.add(plan, compares)) {
      if (!batch.isEmpty) return "full";
      throw new BugError({ code: "PLAN_TOO_LARGE", writes: plan.writes.length });
    }
    return { kind: "done", value, writes: plan !== undefined && plan.writes.length > 0 };
  } catch (error) {
    return { kind: "refused", error };
  }
}

/** Nothing that the transaction compares says that it is true. */
const standsOnState = (outcome: Outcome): boolean =>
  outcome.kind === "done" ? !outcome.writes : outcome.error instanceof InputError;
