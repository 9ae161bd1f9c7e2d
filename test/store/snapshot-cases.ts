// What `snapshot` answers: everything at one revision, whatever is written while it is read.
import assert from "node:assert/strict";
import type { Entry, Page } from "../../src/io/store/store.ts";
import { commit, put, remove, type StoreCase, type Subject } from "./subject.ts";

/** More than the drivers put in one page. */
const MANY = 2500;
const name = (i: number): string => String(i).padStart(5, "0");

async function fill({ store, prefix }: Subject): Promise<void> {
  for (let i = 0; i < MANY; i += 50)
    await commit(store, ...Array.from({ length: 50 }, (_, j) => put(prefix + name(i + j), "old")));
}

/** All pages; `between` runs after each. */
async function readAll(
  { store, prefix }: Subject,
  between?: (page: number) => Promise<unknown>,
): Promise<Page> {
  const entries: Entry[] = [];
  const revisions = new Set<number>();
  let pages = 0;
  for await (const page of store.snapshot(prefix)) {
    entries.push(...page.entries);
    revisions.add(page.revision);
    await between?.(pages++);
  }
  const [revision, ...others] = revisions;
  assert.ok(revision !== undefined);
  assert.deepEqual(others, [], "one revision for all pages");
  return { entries, revision };
}

export const snapshotCases: readonly StoreCase[] = [
  {
    name: "a snapshot of nothing is a page with a revision",
    async run(subject) {
      const { entries, revision } = await readAll(subject);
      assert.deepEqual(entries, []);
      assert.ok(revision >= 0);
    },
  },
  {
    name: "a snapshot is what a list of all is",
    async run(subject) {
      await fill(subject);
      const { store, prefix } = subject;
      assert.deepEqual((await readAll(subject)).entries, (await store.list(prefix)).entries);
    },
  },
  {
    name: "what is written while a snapshot is read does not show in it, before and behind the reader",
    async run(subject) {
      const { store, prefix } = subject;
      await fill(subject);
      const before = (await store.list(prefix)).entries;
      const at = (i: number): string => prefix + name(i);
      const { entries, revision } = await readAll(subject, async (page) => {
        await commit(store, put(at(0), "new"), put(at(MANY - 1), "new"), remove(at(MANY - 2)), remove(at(1)));
        await commit(store, put(`${at(MANY - 3)}-more`), put(`${at(2)}-more`), put(`${prefix}~`, `${page}`));
        await commit(store, put(at(MANY - 2), "again"), remove(at(MANY - 1)));
      });
      assert.deepEqual(entries, before);
      assert.ok(revision >= Math.max(...before.map((entry) => entry.revision)));
      assert.notDeepEqual((await store.list(prefix)).entries, before);
    },
  },
  {
    name: "a snapshot that is left early, and two at a time, hinder nobody",
    async run(subject) {
      const { store, prefix } = subject;
      await fill(subject);
      const before = (await store.list(prefix)).entries;
      for await (const { entries } of store.snapshot(prefix)) {
        assert.ok(entries.length > 0);
        break;
      }
      const late = await readAll(subject, async (page) => {
        if (page === 0) await commit(store, put(prefix + name(MANY - 1), "new"));
        const inner = await readAll(subject);
        assert.equal(inner.entries.at(-1)?.value, "new");
      });
      assert.deepEqual(late.entries, before);
    },
  },
];
