// Several plans as one transaction: writes of one record merge into its last form, compares are those of the state before
// the first plan. Knows the state and revisions, never the store.
import { keyOfGuard, keyOfWrite, valueOfWrite } from "../../core/ipam/keys.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import type { Plan, Write } from "../../core/ipam/types.ts";
import { inverseOf } from "./inverse.ts";
import { type Compare, MAX_TXN_OPERATIONS, type Operation } from "../../io/store/store.ts";

export type BatchGround = { readonly state: IpamState; revisionOf(key: string): number };

export class Batch {
  readonly #ground: BatchGround;
  readonly #writes = new Map<string, Write>();
  readonly #compares = new Map<string, Compare>();
  readonly #undo: Write[] = [];

  constructor(ground: BatchGround) {
    this.#ground = ground;
  }

  get isEmpty(): boolean {
    return this.#compares.size === 0;
  }

  /** Makes the plan's writes true in the state, ahead of the store; answers with the keys that are compared for it. `undefined`: it belongs into a later one, nothing was changed. */
  add(plan: Plan, extra: readonly Compare[] = []): readonly string[] | undefined {
    const writes = plan.writes.map((write) => [keyOfWrite(write), write] as const);
    const guards = plan.guards.map(keyOfGuard);
    // A plan on a rule that this batch changes waits until it is known what others did before the change.
    if (guards.some((key) => this.#writes.has(key))) return undefined;
    if (
      this.#sizeWith(
        writes.map(([key]) => key),
        guards,
        extra.length,
      ) > MAX_TXN_OPERATIONS
    )
      return undefined;
    for (const [key, write] of writes) {
      this.#compare(key);
      this.#writes.set(key, write);
      this.#undo.push(inverseOf(this.#ground.state, write));
      this.#ground.state.apply(write);
    }
    for (const key of guards) this.#compare(key);
    const others = extra.map((compare, i) => [`\0${this.#compares.size}${i}`, compare] as const);
    for (const [key, compare] of others) this.#compares.set(key, compare);
    return [...writes, ...others].map(([key]) => key).concat(guards);
  }

  /** What `add` called the compares at these places of `compares`. */
  keysOf(places: readonly number[]): ReadonlySet<string> {
    const keys = [...this.#compares.keys()];
    return new Set(places.flatMap((place) => keys[place] ?? []));
  }

  get compares(): Compare[] {
    return [...this.#compares.values()];
  }

  /** A record that was made and deleted again within the batch is not written at all. */
  get operations(): Operation[] {
    const operations: Operation[] = [];
    for (const [key, write] of this.#writes) {
      const value = valueOfWrite(write);
      if (value !== undefined) operations.push({ kind: "put", key, value });
      else if (this.#ground.revisionOf(key) > 0) operations.push({ kind: "delete", key });
    }
    return operations;
  }

  /** Takes the writes back, last first. */
  undo(): void {
    for (const write of this.#undo.reverse()) this.#ground.state.apply(write);
  }

  #compare(key: string): void {
    if (this.#compares.has(key)) return;
    this.#compares.set(key, { kind: "revision", key, revision: this.#ground.revisionOf(key) });
  }

  #sizeWith(written: readonly string[], guards: readonly string[], extra: number): number {
    const newWrites = written.filter((key) => !this.#writes.has(key)).length;
    const newCompares = new Set([...written, ...guards].filter((key) => !this.#compares.has(key))).size;
    return this.#writes.size + newWrites + this.#compares.size + newCompares + extra;
  }
}
