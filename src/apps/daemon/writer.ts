// The one writer: takes what waits, plans each request on the state, commits them as one transaction, then answers. An answer is given only when
// its writes are durable; what writes nothing (a refusal, an address that is there already) only when the state it stands on was current.
import { setImmediate } from "node:timers/promises";
import type { Clock, Duration } from "../../base/clock.ts";
import { BugError, InputError, UnavailableError } from "../../base/errors.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import type { Plan } from "../../core/ipam/types.ts";
import { KEY_PREFIX, topologyKey } from "../../core/model/keys.ts";
import type { Compare, Store } from "../../io/store/store.ts";
import { Batch } from "./batch.ts";
import type { DaemonMetrics } from "./metrics.ts";
import type { Mirror } from "./mirror.ts";

/** Requests merged into one transaction. */
const MAX_BATCH = 30;
/** Requests that may wait; more are refused, so that a stuck disk does not fill the memory. */
const MAX_WAITING = 4096;
const BLOCKS = `${KEY_PREFIX}blocks/`;
/** Times a request is planned anew after a conflict. */
const MAX_ATTEMPTS = 8;

/** What a request comes to on a state. Throwing refuses it. `compares`: beyond those of the plan's records. */
export type Decision<T> = { readonly value: T; readonly plan?: Plan; readonly compares?: readonly Compare[] };
/** `isCrowded`: planned before, it met another daemon in a block. */
export type Decide<T> = (state: IpamState, isCrowded: boolean) => Decision<T>;

export type Terms = {
  /** Not begun with when its turn comes and this says no: who asked has gone, and may have asked another daemon meanwhile. */
  readonly isWanted?: () => boolean;
  /** Decided on a state that the store has had: nobody else's plan is merged with it. */
  readonly isAlone?: boolean;
};
type Waiting = {
  readonly decide: Decide<unknown>;
  readonly isWanted: () => boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
  isCrowded: boolean;
  /** The state has all that was in the store when this was asked. */
  isCurrent: boolean;
  /** Not merged with others: so asked, or with them it was too much for the store. */
  isAlone: boolean;
};
/** `keys`: of what the transaction compares for it, and so of all that it writes. */
type Outcome =
  | {
      readonly kind: "done";
      readonly value: unknown;
      readonly writes: boolean;
      readonly keys: readonly string[];
    }
  | { readonly kind: "refused"; readonly error: unknown };
type Planned = { readonly waiting: Waiting; readonly outcome: Outcome };
type Conflict = { readonly revision: number; readonly keys: ReadonlySet<string> };

export type WriterDeps = {
  readonly store: Store;
  readonly mirror: Mirror;
  readonly clock: Clock;
  readonly metrics: DaemonMetrics;
  /** How long a transaction waits for as many requests as the last one had; 0 where nobody else has to follow it. */
  readonly gather: Duration;
};

export class Writer {
  readonly #deps: WriterDeps;
  readonly #queue: Waiting[] = [];
  readonly #following = new Set<Promise<void>>();
  #working: Promise<void> | undefined;
  /** Requests that the next transaction waits for: those that the last one answered, and those that it left waiting. */
  #wanted = 0;
  #enough: (() => void) | undefined;
  #closed = false;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  /** Resolves with the decision's value when its writes are durable; rejects with what `decide` threw, or UnavailableError. */
  submit<T>(decide: Decide<T>, { isWanted = () => true, isAlone = false }: Terms = {}): Promise<T> {
    if (this.#closed) return Promise.reject(new UnavailableError({ code: "STOPPING" }));
    if (this.#queue.length >= MAX_WAITING)
      return Promise.reject(new UnavailableError({ code: "QUEUE_FULL" }));
    return new Promise<T>((resolve, reject) => {
      const answers = { resolve: resolve as (value: unknown) => void, reject };
      const counts = { attempts: 0, isCrowded: false, isCurrent: false };
      this.#queue.push({ decide, isWanted, isAlone, ...answers, ...counts });
      if (this.#queue.length >= this.#wanted) this.#enough?.();
      this.#working ??= this.#work();
    });
  }

  /** Refuses what comes, finishes what waits. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#working ?? this.#following.size > 0) await Promise.all([this.#working, ...this.#following]);
  }

  async #work(): Promise<void> {
    // After the present turn, so that requests which came together are merged; and after the next look at all connections: that one ended is
    // read later than what it brought before.
    await setImmediate();
    await setImmediate();
    while (this.#queue.length > 0) {
      await this.#gather();
      await this.#deps.mirror.lock.run(() => this.#runBatch());
    }
    this.#working = undefined;
  }

  /**
   * Clients that were answered together ask again together, but not in the same moment as those who wait already. Without this the two would take
   * turns for ever, each with a transaction of its own, and every daemon follows each of them.
   */
  async #gather(): Promise<void> {
    const { gather, clock } = this.#deps;
    if (gather === 0 || this.#queue.length >= this.#wanted) return;
    const enough = new Promise<void>((resolve) => (this.#enough = resolve));
    await Promise.race([enough, clock.sleep(gather)]);
    this.#enough = undefined;
  }

  async #runBatch(): Promise<void> {
    const batch = new Batch(this.#deps.mirror);
    const planned = this.#plan(batch);
    await this.#finish(batch, planned);
    this.#wanted = Math.min(MAX_BATCH, this.#queue.length + planned.length);
  }

  async #finish(batch: Batch, planned: readonly Planned[]): Promise<void> {
    try {
      const conflict = batch.isEmpty ? undefined : await this.#commit(batch);
      if (conflict === undefined) this.#settle(planned);
      else this.#replan(planned, conflict);
    } catch (error) {
      batch.undo();
      this.#fail(planned, error);
    }
  }

  /** It may have been applied all the same: then the watch tells, and until it does, compares fail. */
  #fail(planned: readonly Planned[], error: unknown): void {
    const isTooBig = error instanceof UnavailableError && error.code === "STORE_TXN_TOO_BIG";
    // Who is too big alone must not be the end of those that he was merged with.
    if (isTooBig && planned.length > 1) {
      for (const { waiting } of planned) waiting.isAlone = true;
      this.#queue.unshift(...this.#counted(planned.map(({ waiting }) => waiting)));
    } else for (const { waiting } of planned) waiting.reject(error);
  }

  #plan(batch: Batch): Planned[] {
    const planned: Planned[] = [];
    while (planned.length < MAX_BATCH) {
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

  async #commit(batch: Batch): Promise<Conflict | undefined> {
    const { store, mirror, clock, metrics } = this.#deps;
    const { compares, operations } = batch;
    const start = clock.monotonic();
    const result = await store.txn(compares, operations);
    metrics.commitSeconds.observe((clock.monotonic() - start) / 1000);
    metrics.transactions.inc({ outcome: result.kind });
    if (result.kind === "conflict") {
      batch.undo();
      return { revision: result.revision, keys: batch.keysOf(result.failed) };
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
    if (stale.length > 0) this.#afterwards(stale, this.#confirm(stale));
  }

  /** No compare guards what writes nothing, and another daemon may have been quicker: decided again on a state that has all that the store has now. */
  async #confirm(stale: readonly Waiting[]): Promise<void> {
    const { revision } = await this.#deps.store.get(topologyKey);
    await this.#deps.mirror.catchUp(revision);
    for (const waiting of stale) waiting.isCurrent = true;
  }

  /** Another daemon was quicker. Whoever it met waits until it is known what that one did; the others, with whom he was merged, do not. */
  #replan(planned: readonly Planned[], { revision, keys }: Conflict): void {
    const others: Waiting[] = [];
    const met: Waiting[] = [];
    for (const { waiting, outcome } of planned) {
      const failed = outcome.kind === "done" ? outcome.keys.filter((key) => keys.has(key)) : [];
      waiting.isCrowded ||= failed.some((key) => key.startsWith(BLOCKS));
      // A conflict that names nobody is everybody's, so that each round uses up somebody's attempts.
      (failed.length > 0 || keys.size === 0 ? met : others).push(waiting);
    }
    this.#queue.unshift(...others);
    const again = this.#counted(met);
    if (again.length > 0) this.#afterwards(again, this.#catchUp(revision));
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

  /** They are decided again, before those who came later, when `event` has happened; where it has not, that is their answer. */
  #afterwards(again: readonly Waiting[], event: Promise<void>): void {
    const following = event
      .then(
        () => {
          this.#queue.unshift(...again);
          this.#working ??= this.#work();
        },
        (error: unknown) => {
          for (const waiting of again) waiting.reject(error);
        },
      )
      .finally(() => this.#following.delete(following));
    this.#following.add(following);
  }

  /** Those who may be planned once more. */
  #counted(conflicting: readonly Waiting[]): Waiting[] {
    const again: Waiting[] = [];
    for (const waiting of conflicting)
      if (++waiting.attempts < MAX_ATTEMPTS) again.push(waiting);
      else waiting.reject(new UnavailableError({ code: "CONTENTION", attempts: waiting.attempts }));
    return again;
  }
}

/** "full": the plan does not fit into this batch any more. */
function decideInto(batch: Batch, state: IpamState, waiting: Waiting): Outcome | "full" {
  try {
    const { value, plan, compares } = waiting.decide(state, waiting.isCrowded);
    if (!plan) return { kind: "done", value, writes: false, keys: [] };
    const keys = batch.add(plan, compares);
    if (keys) return { kind: "done", value, writes: plan.writes.length > 0, keys };
    if (!batch.isEmpty) return "full";
    throw new BugError({ code: "PLAN_TOO_LARGE", writes: plan.writes.length });
  } catch (error) {
    return { kind: "refused", error };
  }
}

/** Nothing that the transaction compares says that it is true. */
const standsOnState = (outcome: Outcome): boolean =>
  outcome.kind === "done" ? !outcome.writes : outcome.error instanceof InputError;
