// Of all daemons on a store one leads: it alone does the work that is to be done once. Its key in the store hangs on a lease that it
// renews. What it writes compares that key: a leader that was paused and does not know that its time is over writes nothing.
import { type Clock, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { within } from "../../base/within.ts";
import { leaderKey } from "../../core/model/keys.ts";
import type { Compare, LeaseId, Store } from "../../io/store/store.ts";
import { encodeHolder, type Standing, standingOf } from "./election.ts";
import type { Decide, Writer } from "./writer.ts";

/** Seconds after which a leader that does not renew is none any more. */
const TTL = 5;
const RESIGN_WITHIN = Seconds(1);

/** One time of leading. Work that was begun in one writes nothing in the next. */
export type Term = {
  /** Greater than those of all terms before, whoever's. */
  readonly revision: number;
  /** What a transaction must compare. Throws UnavailableError `NOT_LEADER` when this process knows that the term is over. */
  fence(): readonly Compare[];
  /** As `Writer.submit`, with the fence: rejects besides with UnavailableError `NOT_LEADER`. */
  submit<T>(decide: Decide<T>): Promise<T>;
};

export type LeaderDeps = {
  readonly store: Store;
  readonly writer: Pick<Writer, "submit">;
  readonly clock: Clock;
  readonly log: Log;
  /** What other daemons and people call this one. */
  readonly holder: string;
};

export class Leader {
  readonly #deps: LeaderDeps;
  #lease: { readonly id: LeaseId; until: number } | undefined;
  #standing: Standing = { kind: "vacant" };
  #term: Term | undefined;

  constructor(deps: LeaderDeps) {
    this.#deps = deps;
  }

  get isLeading(): boolean {
    return this.#present() !== undefined;
  }

  /** Who leads, for people. */
  get shown(): string {
    if (this.isLeading) return `this daemon, ${this.#deps.holder}`;
    return this.#standing.kind === "following" ? this.#standing.holder : "nobody";
  }

  /** Does `work` if this daemon leads. Unavailable after its term is over is no failure: the next leader does the work. */
  async lead(work: (term: Term) => Promise<void>): Promise<void> {
    const term = this.#present();
    if (!term) return;
    try {
      await work(term);
    } catch (error) {
      if (error instanceof UnavailableError && this.#present() !== term) return;
      throw error;
    }
  }

  /** Renews, or takes the place of a leader that is gone: call it several times within a lease. True: this daemon leads since now. */
  async look(): Promise<boolean> {
    const before = this.#present();
    await this.#renew();
    const { entry } = await this.#deps.store.get(leaderKey);
    let standing = standingOf(entry, this.#lease?.id);
    if (standing.kind === "vacant") standing = await this.#claim();
    await this.#take(standing);
    const present = this.#present();
    return present !== undefined && present !== before;
  }

  /** Makes way at once, for whoever looks next. Nothing is thrown: a lease that stays ends by itself. */
  async resign(): Promise<void> {
    const { store, clock, log } = this.#deps;
    const lease = this.#lease;
    this.#lease = this.#term = undefined;
    if (!lease) return;
    const revoked = store.revokeLease(lease.id).catch((error: unknown) => {
      log.warn("the lead is not given up, it ends by itself", { error: String(error) });
    });
    await within(clock, RESIGN_WITHIN, revoked);
  }

  /** By the monotonic clock, counted from before the renewal was sent: over here before it is over in the store. */
  #present(): Term | undefined {
    return this.#lease && this.#deps.clock.monotonic() < this.#lease.until ? this.#term : undefined;
  }

  async #renew(): Promise<void> {
    const lease = this.#lease;
    if (!lease) return;
    const until = this.#deps.clock.monotonic() + Seconds(TTL);
    if (await this.#deps.store.renewLease(lease.id)) lease.until = until;
    else this.#lease = undefined;
  }

  async #claim(): Promise<Standing> {
    const { store, holder } = this.#deps;
    const lease = (this.#lease ??= await this.#grant());
    const result = await store.txn(
      [{ kind: "revision", key: leaderKey, revision: 0 }],
      [{ kind: "put", key: leaderKey, value: encodeHolder(holder), lease: lease.id }],
    );
    if (result.kind === "committed") return { kind: "leading", revision: result.revision };
    return standingOf((await store.get(leaderKey)).entry, lease.id);
  }

  async #grant(): Promise<{ id: LeaseId; until: number }> {
    const until = this.#deps.clock.monotonic() + Seconds(TTL);
    return { id: await this.#deps.store.grantLease(TTL), until };
  }

  async #take(standing: Standing): Promise<void> {
    const { log } = this.#deps;
    const before = this.#standing;
    this.#standing = standing;
    if (standing.kind === "leading") {
      if (this.#term?.revision !== standing.revision) this.#begin(standing.revision);
      return;
    }
    this.#term = undefined;
    if (standing.kind === "following" && (before.kind !== "following" || before.holder !== standing.holder))
      log.info("another daemon leads", { leader: standing.holder });
    // A lease without the key is of no use, and somebody else leads already.
    if (this.#lease) await this.resign();
  }

  #begin(revision: number): void {
    const term: Term = {
      revision,
      fence: () => {
        if (this.#present() !== term) throw new UnavailableError({ code: "NOT_LEADER" });
        return [{ kind: "revision", key: leaderKey, revision }];
      },
      submit: (decide) =>
        this.#deps.writer.submit((state, isCrowded) => fenced(term, decide(state, isCrowded))),
    };
    this.#term = term;
    this.#deps.log.info("this daemon leads", { revision });
  }
}

/** What writes nothing needs no fence. */
function fenced<T>(term: Term, decision: ReturnType<Decide<T>>): ReturnType<Decide<T>> {
  const fence = term.fence();
  const { plan, compares = [] } = decision;
  return plan && plan.writes.length > 0 ? { ...decision, compares: [...compares, ...fence] } : decision;
}
