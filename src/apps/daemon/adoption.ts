// Whether addresses may be handed out: a store that forgot what agents have seen gives nothing until they have told it.
// Pure state; the caller brings time and evidence, and adopts the reported endpoints itself.
import { UnavailableError } from "../../base/errors.ts";

export type AdoptionOptions = {
  /** What agents know the store by. */
  readonly cluster: string;
  /** The store was made by this process just now. */
  readonly fresh: boolean;
  /** The store was filled from a backup. `unsettled`: it forgot, whatever anybody has seen. `settled`: all its hosts were heard since. */
  readonly imported: "unsettled" | "settled" | undefined;
  /** The operator's word that a fresh store has no live hosts. */
  readonly newCluster: boolean;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Milliseconds given to live hosts to report, from the start and again from the first sign of a loss. */
  readonly window: number;
};

/** The newest store that a reporting agent ever followed. */
export type Seen = { readonly cluster: string; readonly revision: number };

/** What is known at the moment of asking. */
export type AdoptionView = {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Hosts that the store knows, by their record or their blocks. */
  readonly hosts: Iterable<string>;
};

export class Adoption {
  readonly #options: AdoptionOptions;
  readonly #reported = new Set<string>();
  #until: number;
  #forgot = false;
  #forced = false;
  #ready: boolean;
  #imported: AdoptionOptions["imported"];
  #holds = 0;

  constructor(options: AdoptionOptions) {
    this.#options = options;
    this.#until = options.now + options.window;
    this.#imported = options.imported;
    this.#forgot = options.imported === "unsettled";
    this.#ready = options.fresh && options.newCluster;
  }

  /**
   * Whether what an agent has seen shows that a store at `revision` lost something. Who comes late after a restore is no sign: what was lost
   * is known, and who was known was heard.
   */
  isLoss(seen: Seen | undefined, revision: number): boolean {
    if (!seen) return false;
    if (seen.cluster !== this.#options.cluster) return this.#imported !== "settled";
    return seen.revision > revision;
  }

  /** An agent had seen what the store does not know: from now on nothing is handed out until all hosts have reported. */
  noteLoss(now: number): void {
    if (this.#forced) return;
    if (!this.#forgot) this.#until = Math.max(this.#until, now + this.#options.window);
    this.#forgot = true;
    this.#ready = false;
  }

  /** All that `host` told is adopted. */
  noteReported(host: string): void {
    this.#reported.add(host);
  }

  /** A host that was removed owes nothing; when it comes again it has to report again. */
  forgetHost(host: string): void {
    this.#reported.delete(host);
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

  /** The store was filled from a backup, and still says that nobody knows what is alive. */
  get unsettled(): boolean {
    return this.#imported === "unsettled";
  }

  /** The store says that all were heard: by this daemon, or by another whose reports are in the store. */
  settle(): void {
    this.#imported = "settled";
    this.#ready = true;
  }

  /** The operator's word that nobody else will report. */
  force(): void {
    this.#forced = this.#ready = true;
  }

  /** Hosts that must still report; empty also while only the window has to pass. */
  waitingFor(view: AdoptionView): string[] {
    if (this.ready(view)) return [];
    return this.#owed(view);
  }

  ready(view: AdoptionView): boolean {
    if (!this.#ready) this.#ready = this.#isOver(view);
    return this.#ready;
  }

  /** Throws UnavailableError `ADOPTION_PENDING` or `STORE_FORGOT`, which name whom it waits for. */
  check(view: () => AdoptionView): void {
    if (this.#ready && this.#holds === 0) return;
    const hosts = this.waitingFor(view());
    if (this.#ready && this.#holds === 0) return;
    const code = this.#forgot ? "STORE_FORGOT" : "ADOPTION_PENDING";
    const shown = hosts.length > 0 ? `hosts ${hosts.slice(0, 10).join(", ")}` : "the adoption window to pass";
    const why = this.#forgot ? "the store lost what agents have seen" : "live addresses are not known yet";
    const message = `${why}: nothing is handed out, waiting for ${shown} (or POST /ipam/adopt {"force":true})`;
    throw new UnavailableError({ code, message, hosts });
  }

  /**
   * One agent of an older store suffices to show the loss, so without a sign of it the wait ends when all known hosts have
   * reported or the window has passed. A store that forgot may not know all hosts: there both must come true.
   */
  #isOver(view: AdoptionView): boolean {
    const passed = view.now >= this.#until;
    const allReported = this.#owed(view).length === 0;
    if (this.#forgot) return passed && allReported;
    return passed || (allReported && this.#reported.size > 0 && !this.#options.fresh);
  }

  #owed(view: AdoptionView): string[] {
    return [...new Set(view.hosts)].filter((host) => !this.#reported.has(host));
  }
}
