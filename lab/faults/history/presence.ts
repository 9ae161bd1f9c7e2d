// Of things that are there or not (hosts, reserved ranges): what is certain in a span of time, from the operations that add and take away.
import { lastEffect, mayHaveWorked, type Operation } from "./history.ts";

export class Presence {
  readonly #adds: Operation[] = [];
  readonly #removals: Operation[] = [];
  readonly #always: boolean;

  /** `always`: there before anything, and nobody takes it away. */
  constructor(always = false) {
    this.#always = always;
  }

  note(operation: Operation, adds: boolean): void {
    if (mayHaveWorked(operation)) (adds ? this.#adds : this.#removals).push(operation);
  }

  /** There during all of it, whatever the unknown outcomes were. */
  isCertain(from: number, to: number): boolean {
    return this.#always || isSettled(this.#adds, this.#removals, from, to);
  }

  /** Not there during all of it. */
  isAbsent(from: number, to: number): boolean {
    if (this.#always) return false;
    const isUnheardOf = this.#adds.every(({ start }) => start > to);
    return isUnheardOf || isSettled(this.#removals, this.#adds, from, to);
  }
}

/** One of `these` was done before, and none of `those` may have undone it since or within. */
function isSettled(
  these: readonly Operation[],
  those: readonly Operation[],
  from: number,
  to: number,
): boolean {
  return these.some(
    (done) =>
      done.outcome.kind === "done" &&
      done.end <= from &&
      those.every((undo) => lastEffect(undo) < done.start || undo.start > to),
  );
}
