// Telling the daemon of very many things of one kind: what has changed, in lists; and all that differs when this listener begins to lead and
// at long intervals, as another may have told something else or nothing meanwhile.
import { type Clock, Seconds } from "../../base/clock.ts";
import type { Change } from "../../io/kube/reflector.ts";

export type Telling<T> = {
  /** What the daemon has. `undefined`: something under this key, and nobody can tell what. */
  readonly known: () => Promise<ReadonlyMap<string, T | undefined>>;
  readonly isSame: (a: T, b: T) => boolean;
  /** Those of a list that are there now, and those that are gone. */
  readonly send: (put: readonly T[], gone: readonly string[]) => Promise<void>;
};

const COMPARE_EVERY = Seconds(600);
/** The daemon takes bodies of 4 MiB. */
const AT_ONCE = 2000;

export class Delivery<T> {
  readonly #telling: Telling<T>;
  readonly #clock: Clock;
  readonly #due = new Set<string>();
  #compared = -Infinity;

  constructor(telling: Telling<T>, clock: Clock) {
    this.#telling = telling;
    this.#clock = clock;
  }

  changed(changes: readonly Change<T>[]): void {
    for (const { key } of changes) this.#due.add(key);
  }

  /** The daemon has all that there was when it was compared last, and what was heard since. */
  get isWhole(): boolean {
    return this.#compared > -Infinity && this.#due.size === 0;
  }

  /** Nothing is relied on that was told before. */
  compareNext(): void {
    this.#compared = -Infinity;
  }

  /** Tells what is due of `items`, which may change meanwhile. What fails is due again. */
  async work(items: ReadonlyMap<string, T>): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#compared >= COMPARE_EVERY) {
      await this.#compare(items);
      this.#compared = now;
    }
    const keys = [...this.#due];
    for (let i = 0; i < keys.length; i += AT_ONCE) await this.#send(keys.slice(i, i + AT_ONCE), items);
  }

  async #compare(items: ReadonlyMap<string, T>): Promise<void> {
    const known = await this.#telling.known();
    for (const key of known.keys()) if (!items.has(key)) this.#due.add(key);
    for (const [key, item] of items) {
      const told = known.get(key);
      if (told === undefined || !this.#telling.isSame(item, told)) this.#due.add(key);
      else this.#due.delete(key);
    }
  }

  /** What changes while it is on its way is due again: it is taken from the list before it is read. */
  async #send(keys: readonly string[], items: ReadonlyMap<string, T>): Promise<void> {
    for (const key of keys) this.#due.delete(key);
    const put = keys.flatMap((key) => items.get(key) ?? []);
    const gone = keys.filter((key) => !items.has(key));
    try {
      await this.#telling.send(put, gone);
    } catch (error) {
      for (const key of keys) this.#due.add(key);
      throw error;
    }
  }
}
