// The one writer: takes what waits, plans each request on the state, commits them as one transaction, then answers.
// Never reads the store; an answer is given only when its writes are durable.
import type { Clock } from "../../base/clock.ts";
import { BugError, UnavailableError } from "../../base/errors.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import type { Plan } from "../../core/ipam/types.ts";
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
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
};
type Outcome =
  { readonly kind: "done"; readonly value: unknown } | { readonly kind: "refused"; readonly error: unknown };
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
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  /** Resolves with the decision's value when its writes are durable; rejects with what `decide` threw, or UnavailableError. */
  submit<T>(decide: Decide<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new UnavailableError({ code: "STOPPING" }));
    if (this.#queue.length >= MAX_WAITING)
      return Promise.reject(new UnavailableError({ code: "QUEUE_FULL" }));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ decide, resolve: resolve as (value: unknown) => void, reject, attempts: 0 });
      this.#working ??= this.#work();
    });
  }

  /** Refuses what comes, finishes what waits. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  async #work(): Promise<void> {
    // After the present turn, so that requests which came together are merged.
    await Promise.resolve();
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
      if (conflict === undefined) for (const each of planned) settle(each);
      else this.#again(planned);
      return conflict;
    } catch (error) {
      // It may have been applied all the same: then the watch tells, and until it does, compares fail.
      batch.undo();
      for (const { waiting } of planned) waiting.reject(error);
      return undefined;
    }
  }

  #plan(batch: Batch, size: number): Planned[] {
    const planned: Planned[] = [];
    while (planned.length < size) {
      const waiting = this.#queue[0];
      if (!waiting) break;
      const outcome = decideInto(batch, this.#deps.mirror.state, waiting);
      if (outcome === "full") break;
      this.#queue.shift();
      planned.push({ waiting, outcome });
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
    return { kind: "done", value };
  } catch (error) {
    return { kind: "refused", error };
  }
}

function settle({ waiting, outcome }: Planned): void {
  if (outcome.kind === "done") waiting.resolve(outcome.value);
  else waiting.reject(outcome.error);
}
