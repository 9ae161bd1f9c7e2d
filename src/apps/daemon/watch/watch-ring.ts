// The changes that watchers who resume may have missed.
import type { Scope } from "../../../core/desired/concern.ts";
import { RENEW, type Step, toldOf } from "./watch-world.ts";

/** Changes remembered for watchers that resume. */
const RING_SIZE = 65_536;

export class WatchRing {
  #steps: Step[] = [];
  /** Who resumes from this revision or a later one finds all here. */
  #since = 0;

  /** Forgets all: whoever comes has seen what there is at `revision`, or must. */
  clear(revision: number): void {
    this.#steps = [];
    this.#since = revision;
  }

  push(step: Step): void {
    this.#steps.push(step);
    if (this.#steps.length > RING_SIZE) this.#trim();
  }

  /** Lines of what concerns whoever has that scope. Inclusive, as changes of `since` itself may have been cut off; `undefined`: not remembered. */
  after(since: number, scope: Scope | undefined): string[] | undefined {
    if (since < this.#since) return undefined;
    const lines: string[] = [];
    for (let i = firstAfter(this.#steps, since - 1); i < this.#steps.length; i++) {
      const step = this.#steps[i];
      const told = step && toldOf(step, scope);
      if (told === RENEW) return undefined;
      if (told !== undefined) lines.push(told);
    }
    return lines;
  }

  /** Forgets the older half: whole revisions only. */
  #trim(): void {
    const cut = this.#steps[this.#steps.length >> 1]?.revision ?? 0;
    this.#steps = this.#steps.slice(firstAfter(this.#steps, cut));
    this.#since = cut + 1;
  }
}

/** Index of the first change after `revision`; binary search. */
function firstAfter(steps: readonly Step[], revision: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
