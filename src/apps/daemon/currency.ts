// How old what the mirror knows may be. A daemon whose watch is stalled, or that cannot reach its store, goes on answering from memory:
// it must know, and say so.
import { type Clock, Milliseconds, type Duration, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import { leaderKey } from "../../core/model/keys.ts";
import type { Store } from "../../io/store/store.ts";
import type { Mirror } from "./mirror.ts";

/** More than a look each second and a read of everything of usual size take. */
const BEHIND_AFTER = Seconds(3);
/** For what one client has seen elsewhere; less than an agent's patience. */
const REACH_WITHIN = Seconds(1);

export type CurrencyDeps = {
  readonly store: Pick<Store, "get">;
  readonly mirror: Pick<Mirror, "revision" | "catchUp">;
  readonly clock: Clock;
};

export class Currency {
  readonly #deps: CurrencyDeps;
  #asOf: number;

  constructor(deps: CurrencyDeps) {
    this.#deps = deps;
    this.#asOf = deps.clock.monotonic();
  }

  /** All that was in the store this long ago is known. */
  get lag(): Duration {
    return Milliseconds(this.#deps.clock.monotonic() - this.#asOf);
  }

  get isBehind(): boolean {
    return this.lag > BEHIND_AFTER;
  }

  /** "ok", or why not. */
  get shown(): string {
    return this.isBehind ? `behind the store for ${Math.round(this.lag / 1000)} s` : "ok";
  }

  /** Call it every second: asks the store how far it is, and has the mirror follow. */
  async look(): Promise<void> {
    const { clock, mirror } = this.#deps;
    const sent = clock.monotonic();
    await mirror.catchUp(await this.#storeRevision());
    this.#asOf = sent;
  }

  /** The mirror's revision, or the store's own where that is not yet `atLeast`. */
  async newest(atLeast: number): Promise<number> {
    const { revision } = this.#deps.mirror;
    return revision >= atLeast ? revision : this.#storeRevision();
  }

  /** Resolves when the mirror is at `revision`, which the store has. UnavailableError `BEHIND`: not within a second. */
  async reach(revision: number): Promise<void> {
    const { clock, mirror } = this.#deps;
    if (mirror.revision >= revision) return;
    if (await within(clock, REACH_WITHIN, mirror.catchUp(revision))) return;
    throw new UnavailableError({ code: "BEHIND", known: mirror.revision, wanted: revision });
  }

  async #storeRevision(): Promise<number> {
    return (await this.#deps.store.get(leaderKey)).revision;
  }
}
