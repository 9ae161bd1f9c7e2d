// What `get` and `list` answer.
import assert from "node:assert/strict";
import { commit, put, remove, type StoreCase, type Subject } from "./subject.ts";

/** In the order of their UTF-8 bytes; the order of UTF-16 units, and that of any language, is another one. */
const ORDERED = [
  "",
  "\0",
  " ",
  "/",
  "0",
  "10",
  "2",
  "A",
  "Z",
  "a",
  "aa",
  "a\u{10ffff}",
  "b",
  "é",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "𐀀",
  "😀",
  "\u{10ffff}",
];

const keysOf = async ({ store, prefix }: Subject, options?: { limit?: number; after?: string }) =>
  (await store.list(prefix, options)).entries.map(({ key }) => key.slice(prefix.length));

async function fill(subject: Subject, names: readonly string[]): Promise<number> {
  return commit(subject.store, ...names.map((name) => put(subject.prefix + name, name)));
}

export const readCases: readonly StoreCase[] = [
  {
    name: "an absent key has no entry, but the answer has a revision",
    async run({ store, prefix }) {
      const { entry, revision } = await store.get(`${prefix}nothing`);
      assert.equal(entry, undefined);
      assert.ok(revision >= 0);
    },
  },
  {
    name: "an entry has its value and the revisions at which it was made and last written",
    async run({ store, prefix }) {
      const key = `${prefix}k`;
      const made = await commit(store, put(key, "one"));
      assert.deepEqual((await store.get(key)).entry, {
        key,
        value: "one",
        createRevision: made,
        revision: made,
      });
      const written = await commit(store, put(key, "two"));
      assert.deepEqual((await store.get(key)).entry, {
        key,
        value: "two",
        createRevision: made,
        revision: written,
      });
    },
  },
  {
    name: "a key that was deleted and put again is a new one",
    async run({ store, prefix }) {
      const key = `${prefix}k`;
      await commit(store, put(key));
      await commit(store, remove(key));
      assert.equal((await store.get(key)).entry, undefined);
      const again = await commit(store, put(key));
      assert.equal((await store.get(key)).entry?.createRevision, again);
    },
  },
  {
    name: "what is acknowledged is read by who asks next",
    async run({ store, prefix }) {
      const revision = await commit(store, put(`${prefix}k`, "v"));
      const [got, listed] = [await store.get(`${prefix}k`), await store.list(prefix)];
      assert.equal(got.entry?.revision, revision);
      assert.equal(listed.entries[0]?.revision, revision);
      assert.ok(got.revision >= revision && listed.revision >= revision);
    },
  },
  {
    name: "values come back as they were put: empty, NUL, any plane, half a megabyte",
    async run({ store, prefix }) {
      const values = ["", "\0", "a\0b", "\n\t\u007f", "ü😀\u{10ffff}\ufeff", "😀x".repeat(100_000)];
      for (const value of values) {
        await commit(store, put(`${prefix}k`, value));
        const { entry } = await store.get(`${prefix}k`);
        assert.ok(entry?.value === value, `${JSON.stringify(value.slice(0, 20))} changed`);
      }
    },
  },
  {
    name: "a list is in byte order, whatever the order of writing",
    async run(subject) {
      await fill(subject, ORDERED.toReversed());
      assert.deepEqual(await keysOf(subject), ORDERED);
    },
  },
  {
    name: "pages of any size together are the list",
    async run(subject) {
      await fill(subject, ORDERED);
      for (const limit of [1, 2, 7, ORDERED.length, 1000]) {
        const read: string[] = [];
        for (let page = await keysOf(subject, { limit }); page.length > 0;) {
          assert.ok(page.length <= limit);
          read.push(...page);
          page = await keysOf(subject, { limit, after: subject.prefix + (page.at(-1) ?? "") });
        }
        assert.deepEqual(read, ORDERED, `pages of ${limit}`);
      }
    },
  },
  {
    name: "a page starts after a key that need not exist, and never outside of the prefix",
    async run(subject) {
      const { prefix } = subject;
      await fill(subject, ["b", "d"]);
      assert.deepEqual(await keysOf(subject, { after: `${prefix}a` }), ["b", "d"]);
      assert.deepEqual(await keysOf(subject, { after: `${prefix}c` }), ["d"]);
      assert.deepEqual(await keysOf(subject, { after: `${prefix}e` }), []);
      assert.deepEqual(await keysOf(subject, { after: "" }), ["b", "d"]);
      assert.deepEqual(await keysOf(subject, { after: "/" }), ["b", "d"]);
      assert.deepEqual(await keysOf(subject, { after: "\u{10ffff}" }), []);
    },
  },
  {
    name: "a prefix is text, not a folder, and no pattern",
    async run({ store, prefix }) {
      const names = ["a", "a/b", "ab", "a%", "a_", "b", "A"];
      await commit(store, ...names.map((name) => put(prefix + name)));
      const under = async (part: string): Promise<string[]> =>
        (await store.list(prefix + part)).entries.map(({ key }) => key.slice(prefix.length));
      assert.deepEqual(await under("a"), ["a", "a%", "a/b", "a_", "ab"]);
      assert.deepEqual(await under("a/"), ["a/b"]);
      assert.deepEqual(await under("a%"), ["a%"]);
      assert.deepEqual(await under("c"), []);
    },
  },
  {
    name: "a prefix that ends in the last character of a plane has an end all the same",
    async run({ store, prefix }) {
      for (const last of ["\ud7ff", "\uffff", "\u{10ffff}", "\u{10ffff}\u{10ffff}"]) {
        await commit(store, put(`${prefix}${last}`), put(`${prefix}${last}x`));
        const { entries } = await store.list(prefix + last);
        assert.ok(entries.length >= 2 && entries.every(({ key }) => key.startsWith(prefix + last)));
      }
    },
  },
  {
    name: "an empty prefix lists everything",
    async run({ store, prefix }) {
      await commit(store, put(`${prefix}k`));
      const { entries } = await store.list("");
      assert.ok(entries.some(({ key }) => key === `${prefix}k`));
    },
  },
  {
    name: "a list shows transactions whole while they happen",
    async run({ store, prefix }) {
      const keys = ["a", "b", "c"].map((name) => prefix + name);
      let writing = true;
      const writer = (async () => {
        for (let i = 0; i < 100; i++) await commit(store, ...keys.map((key) => put(key, String(i))));
        writing = false;
      })();
      while (writing) {
        const values = (await store.list(prefix)).entries.map(({ value }) => value);
        assert.equal(new Set(values).size, values.length > 0 ? 1 : 0, `torn: ${values.join(" ")}`);
      }
      await writer;
    },
  },
];
