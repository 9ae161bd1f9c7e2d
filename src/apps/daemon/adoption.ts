// Whether this daemon may hand out addresses: a store that forgot what agents have seen gives nothing until they have told it. What is
// common to all daemons stands in the store; here is what one of them follows. Pure state; the caller brings time and records.
import { UnavailableError } from "../../base/errors.ts";
import { anyReported, owedHosts } from "../../core/ipam/adoption-round.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import type { AdoptionRecord } from "../../core/model/adoption-record.ts";

export type AdoptionOptions = {
  /** What agents know the store by. */
  readonly cluster: string;
  /** The store was filled from a backup: that something was lost is known, whoever followed another one. */
  readonly isImported: boolean;
  /** There is nobody to wait for, unless the store says that something is lost. */
  readonly isKnown: boolean;
  /** Milliseconds given to live hosts to report, from the start and again from the first sign of a loss. */
  readonly window: number;
};

/** The newest store that a reporting agent ever followed. `policies`: whether it was told of any; absent: it does not say. */
export type Seen = {
  readonly cluster: string;
  readonly revision: number;
  readonly policies?: boolean | undefined;
};

export class Adoption {
  readonly #options: AdoptionOptions;
  /** The last that the watch told, once this daemon has asked. */
  #told: AdoptionRecord | undefined;
  #isOpen = false;
  #until = 0;
  #answered = Promise.withResolvers<void>();
  #holds = 0;
  /** By host, what its agent had seen when it showed a loss. */
  readonly #shown = new Map<string, Seen>();

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  get isKnown(): boolean {
    return this.#options.isKnown;
  }

  get hasBegun(): boolean {
    return this.#told !== undefined;
  }

  /** This daemon starts on a store that says `record`: what it said before counts no more. `now`: monotonic milliseconds. */
  begin(record: AdoptionRecord, now: number): void {
    this.#told = record;
    this.#isOpen = record.state === "open";
    this.#until = now + this.#options.window;
  }

  /** It could not be written that this daemon starts: what the store says was perhaps said before. */
  notBegun(): void {
    this.#told = undefined;
    this.#isOpen = false;
  }

  /** What the watch tells, in the store's order. Another daemon that asks does not close this one. */
  follow(record: AdoptionRecord, now: number): void {
    if (!this.#told) return;
    if (record.state === "lost" && this.#told.state !== "lost")
      this.#until = Math.max(this.#until, now + this.#options.window);
    if (record.state !== "asked") this.#isOpen = record.state === "open";
    if (record.by === "answer") {
      this.#answered.resolve();
      this.#answered = Promise.withResolvers();
    }
    this.#told = record;
  }

  /** Resolves with the next answer of a daemon that serves. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** Whether what an agent has seen shows that a store at `revision` lost something. */
  isLoss(seen: Seen | undefined, revision: number): boolean {
    if (!seen) return false;
    if (seen.cluster !== this.#options.cluster) return !this.#options.isImported;
    return seen.revision > revision;
  }

  /** A wait began, or goes on, because of what `host` had seen. */
  shown(host: string, seen: Seen | undefined): void {
    if (seen) this.#shown.set(host, seen);
  }

  /** An agent says the same again until it has followed the store as it is now: that is no other loss, and must not begin another wait. */
  wasShown(host: string, seen: Seen | undefined): boolean {
    const before = this.#shown.get(host);
    return before !== undefined && before.cluster === seen?.cluster && before.revision === seen.revision;
  }

  /** Nothing is handed out while `work` runs. */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    this.#holds++;
    try {
      return await work();
    } finally {
      this.#holds--;
    }
  }

  /** What is written but not told yet counts where it closes. */
  isReady(state: IpamState): boolean {
    return this.#isOpen && state.adoption.state !== "lost";
  }

  /** Whether what the store says of policies is all there is: a node that was told less would let in whom it keeps out. */
  knowsPolicies(state: IpamState): boolean {
    return this.isReady(state) && state.adoption.policies === undefined;
  }

  /** Hosts that must still report; empty also while only the window has to pass. */
  waitingFor(state: IpamState): string[] {
    return this.isReady(state) ? [] : owedHosts(state);
  }

  /** Throws UnavailableError `ADOPTION_PENDING` or `STORE_FORGOT`, which name whom it waits for. */
  check(state: IpamState): void {
    if (this.isReady(state) && this.#holds === 0) return;
    const hosts = this.waitingFor(state);
    const isLost = state.adoption.state === "lost";
    const shown = hosts.length > 0 ? `hosts ${hosts.slice(0, 10).join(", ")}` : "the adoption window to pass";
    const why = isLost ? "the store lost what agents have seen" : "live addresses are not known yet";
    const message = `${why}: nothing is handed out, waiting for ${shown} (or POST /ipam/adopt {"force":true})`;
    throw new UnavailableError({ code: isLost ? "STORE_FORGOT" : "ADOPTION_PENDING", message, hosts });
  }

  /**
   * Whether the wait may end, for all daemons. One agent of an older store suffices to show the loss, so without a sign of it the wait ends
   * when all known hosts have reported or the window has passed. A store that forgot may not know all hosts: there both must come
   * true. A new store knows nobody yet.
   */
  isOver(state: IpamState, now: number): boolean {
    const { isNew, state: said } = state.adoption;
    const isPassed = now >= this.#until;
    const haveAll = owedHosts(state).length === 0;
    if (said === "lost") return isPassed && haveAll;
    return isPassed || (haveAll && !isNew && anyReported(state));
  }
}
