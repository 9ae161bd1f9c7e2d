// Any history of transactions: the store agrees with the simplest model of it, and a watch of it replays to the same end.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Compare, Entry, Operation, Store } from "../../src/io/store/store.ts";
import { follow, put, remove, revisionOf, type StoreCase, type Subject } from "./subject.ts";

/** A step names keys by number and revisions by how many commits ago they were, so that most compares are near the mark. */
type Step = {
  readonly compares: readonly (
    | { readonly kind: "revision"; readonly key: number; readonly ago: number }
    | { readonly kind: "unchanged-since"; readonly part: string; readonly ago: number }
  )[];
  readonly operations: readonly { readonly key: number; readonly value: string | null }[];
};

const KEYS = ["a", "a/1", "a/2", "b", "b/1", "ü"];
const key = fc.nat(KEYS.length - 1);
const ago = fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, fc.nat(3));
const step: fc.Arbitrary<Step> = fc.record({
  compares: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("revision" as const), key, ago }),
      fc.record({ kind: fc.constant("unchanged-since" as const), part: fc.constantFrom("", "a/", "b"), ago }),
    ),
    { maxLength: 2 },
  ),
  operations: fc.uniqueArray(
    fc.record({ key, value: fc.option(fc.string({ maxLength: 5, unit: "grapheme" })) }),
    {
      maxLength: 4,
      selector: (operation) => operation.key,
    },
  ),
});

class Model {
  readonly entries = new Map<string, Entry>();
  readonly commits: number[] = [];
  readonly told: { key: string; revision: number; value: string | undefined }[] = [];

  /** `ago` -1: what holds now. */
  compare(each: Step["compares"][number], prefix: string): Compare {
    const past = each.ago < 0 ? undefined : (this.commits.at(-1 - each.ago) ?? 0);
    if (each.kind === "unchanged-since")
      return { kind: each.kind, prefix: prefix + each.part, revision: past ?? this.commits.at(-1) ?? 0 };
    const name = prefix + (KEYS[each.key] ?? "");
    return { kind: each.kind, key: name, revision: past ?? this.entries.get(name)?.revision ?? 0 };
  }

  holds(compare: Compare): boolean {
    if (compare.kind === "revision")
      return (this.entries.get(compare.key)?.revision ?? 0) === compare.revision;
    return ![...this.entries.values()].some(
      (entry) => entry.key.startsWith(compare.prefix) && entry.revision > compare.revision,
    );
  }

  apply(operations: readonly Operation[], revision: number): void {
    const changes = operations.filter((each) => each.kind === "put" || this.entries.has(each.key));
    for (const each of changes) {
      const value = each.kind === "put" ? each.value : undefined;
      this.told.push({ key: each.key, revision, value });
      const createRevision = this.entries.get(each.key)?.createRevision ?? revision;
      if (value === undefined) this.entries.delete(each.key);
      else this.entries.set(each.key, { key: each.key, value, createRevision, revision });
    }
    if (changes.length > 0) this.commits.push(revision);
  }
}

async function play(
  store: Store,
  prefix: string,
  model: Model,
  { compares, operations }: Step,
): Promise<void> {
  const asked = compares.map((each) => model.compare(each, prefix));
  const wanted = operations.map(({ key: at, value }) => {
    const name = prefix + (KEYS[at] ?? "");
    return value === null ? remove(name) : put(name, value);
  });
  const failed = asked.flatMap((compare, i) => (model.holds(compare) ? [] : [i]));
  const result = await store.txn(asked, wanted);
  if (failed.length > 0) assert.deepEqual(result.kind === "conflict" && result.failed, failed);
  else {
    assert.equal(result.kind, "committed");
    assert.ok(result.revision >= (model.commits.at(-1) ?? 0));
    model.apply(wanted, result.revision);
  }
}

async function checkHistory(subject: Subject, prefix: string, steps: readonly Step[]): Promise<void> {
  const { store } = subject;
  const { revision: since } = await store.list(prefix);
  const model = new Model();
  const live = follow(subject, since, prefix);
  for (const each of steps) await play(store, prefix, model, each);
  const { entries } = await store.list(prefix);
  assert.deepEqual(
    entries,
    [...model.entries.values()].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))),
  );
  for (const follower of [live, follow(subject, since, prefix)]) {
    const events = (await follower.events(model.told.length)).map((event) => ({
      key: event.kind === "put" ? event.entry.key : event.key,
      revision: revisionOf(event),
      value: event.kind === "put" ? event.entry.value : undefined,
    }));
    assert.deepEqual(events, model.told);
    follower.stop();
  }
}

export const modelCases: readonly StoreCase[] = [
  {
    name: "any history of transactions agrees with the model, and a watch replays it",
    async run(subject) {
      let history = 0;
      const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), (steps) =>
        checkHistory(subject, `${subject.prefix}${history++}/`, steps),
      );
      await fc.assert(property, { numRuns: 60 });
    },
  },
];
