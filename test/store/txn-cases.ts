// What `txn` compares, applies and refuses.
import assert from "node:assert/strict";
import { BugError } from "../../src/base/errors.ts";
import { type Compare, MAX_TXN_OPERATIONS, type Store } from "../../src/io/store/store.ts";
import { commit, committed, follow, put, remove, type StoreCase } from "./subject.ts";

const at = (key: string, revision: number): Compare => ({ kind: "revision", key, revision });
const since = (prefix: string, revision: number): Compare => ({ kind: "unchanged-since", prefix, revision });

async function failedOf(store: Store, compares: readonly Compare[]): Promise<readonly number[]> {
  const result = await store.txn(compares, []);
  return result.kind === "conflict" ? result.failed : [];
}

const isBug = (code: string) => (error: unknown) => error instanceof BugError && error.code === code;

export const txnCases: readonly StoreCase[] = [
  {
    name: "a key's revision is compared: exactly its last write, 0 for absent",
    async run({ store, prefix }) {
      const key = `${prefix}k`;
      assert.deepEqual(await failedOf(store, [at(key, 0)]), []);
      assert.deepEqual(await failedOf(store, [at(key, 1)]), [0]);
      const first = await commit(store, put(key));
      const second = await commit(store, put(key));
      assert.deepEqual(await failedOf(store, [at(key, second)]), []);
      for (const wrong of [0, first, second + 1])
        assert.deepEqual(await failedOf(store, [at(key, wrong)]), [0]);
      await commit(store, remove(key));
      assert.deepEqual(await failedOf(store, [at(key, second)]), [0]);
      assert.deepEqual(await failedOf(store, [at(key, 0)]), []);
    },
  },
  {
    name: "a prefix is compared: nothing under it was written after the revision",
    async run({ store, prefix }) {
      assert.deepEqual(await failedOf(store, [since(`${prefix}a/`, 0)]), [], "nothing is there");
      const before = await commit(store, put(`${prefix}a/1`), put(`${prefix}a/2`));
      assert.deepEqual(await failedOf(store, [since(`${prefix}a/`, before)]), []);
      assert.deepEqual(await failedOf(store, [since(`${prefix}a/`, before - 1)]), [0]);
      await commit(store, put(`${prefix}b/1`), put(`${prefix}a`));
      assert.deepEqual(await failedOf(store, [since(`${prefix}a/`, before)]), [], "beside the prefix");
      await commit(store, put(`${prefix}a/2`));
      assert.deepEqual(await failedOf(store, [since(`${prefix}a/`, before)]), [0]);
      assert.deepEqual(await failedOf(store, [since("", before)]), [0]);
    },
  },
  {
    name: "a deletion is no write under a prefix",
    async run({ store, prefix }) {
      await commit(store, put(`${prefix}a`));
      const before = await commit(store, put(`${prefix}b`));
      await commit(store, remove(`${prefix}a`));
      assert.deepEqual(await failedOf(store, [since(prefix, before)]), []);
    },
  },
  {
    name: "one compare that fails stops all operations, and each that failed is told",
    async run({ store, prefix }) {
      const revision = await commit(store, put(`${prefix}a`, "old"), put(`${prefix}b`, "old"));
      const result = await store.txn(
        [
          at(`${prefix}a`, revision),
          at(`${prefix}b`, 0),
          since(prefix, revision),
          since(prefix, revision - 1),
          at(`${prefix}c`, 7),
        ],
        [put(`${prefix}a`, "new"), put(`${prefix}c`, "new"), remove(`${prefix}b`)],
      );
      assert.deepEqual(result.kind === "conflict" && result.failed, [1, 3, 4]);
      assert.ok(result.revision >= revision);
      const { entries } = await store.list(prefix);
      assert.deepEqual(
        entries.map(({ value }) => value),
        ["old", "old"],
      );
    },
  },
  {
    name: "compares are made before operations, on keys that these change",
    async run({ store, prefix }) {
      const key = `${prefix}k`;
      const first = committed(await store.txn([at(key, 0), since(prefix, 0)], [put(key, "1")]));
      const second = committed(await store.txn([at(key, first), since(prefix, first)], [put(key, "2")]));
      committed(await store.txn([at(key, second)], [remove(key)]));
      assert.equal((await store.get(key)).entry, undefined);
    },
  },
  {
    name: "all operations of a transaction have one revision, and the next has a higher one",
    async run({ store, prefix }) {
      await commit(store, put(`${prefix}c`));
      const one = await commit(store, put(`${prefix}a`), put(`${prefix}b`), remove(`${prefix}c`));
      const two = await commit(store, put(`${prefix}b`));
      assert.ok(two > one);
      const { entries } = await store.list(prefix);
      assert.deepEqual(
        entries.map(({ revision }) => revision),
        [one, two],
      );
    },
  },
  {
    name: "a transaction that changes nothing tells nobody",
    async run(subject) {
      const { store, prefix } = subject;
      const start = await commit(store, put(`${prefix}a`));
      const follower = follow(subject, start);
      assert.ok((await commit(store)) >= start);
      assert.ok((await commit(store, remove(`${prefix}nothing`))) >= start);
      await commit(store, put(`${prefix}end`));
      assert.deepEqual(
        (await follower.events(1)).map((event) => event.kind),
        ["put"],
      );
    },
  },
  {
    name: "as many compares and operations as allowed are taken",
    async run({ store, prefix }) {
      const keys = Array.from({ length: MAX_TXN_OPERATIONS }, (_, i) => `${prefix}${i}`);
      await commit(store, ...keys.map((key) => put(key)));
      assert.equal((await store.list(prefix)).entries.length, keys.length);
      const all = keys.map((key) => at(key, 0));
      assert.equal((await failedOf(store, all)).length, keys.length);
      const half = keys.slice(0, MAX_TXN_OPERATIONS / 2);
      const absent = half.map((key) => at(`${key}x`, 0));
      committed(await store.txn(absent, half.map(remove)));
      assert.equal((await store.list(prefix)).entries.length, keys.length - half.length);
    },
  },
  {
    name: "more than that is a bug, told before anything is done",
    async run({ store, prefix }) {
      const operations = Array.from({ length: MAX_TXN_OPERATIONS }, (_, i) => put(`${prefix}${i}`));
      const tooMany = [
        () => store.txn([], [...operations, put(`${prefix}x`)]),
        () => store.txn([at(`${prefix}x`, 0)], operations),
      ];
      for (const attempt of tooMany) await assert.rejects(attempt, isBug("TXN_TOO_LARGE"));
      assert.deepEqual((await store.list(prefix)).entries, []);
    },
  },
  {
    name: "a key named twice, an empty key and half a character are bugs",
    async run({ store, prefix }) {
      const key = `${prefix}k`;
      await assert.rejects(store.txn([], [put(key, "1"), remove(key)]), isBug("TXN_KEY_TWICE"));
      await assert.rejects(store.txn([], [put("")]), isBug("KEY_MALFORMED"));
      await assert.rejects(store.txn([], [put(`${prefix}\ud800`)]), isBug("KEY_MALFORMED"));
      await assert.rejects(store.txn([at(`${prefix}\udc00`, 0)], []), isBug("KEY_MALFORMED"));
      await assert.rejects(store.txn([], [put(key, "\ud800x")]), isBug("VALUE_MALFORMED"));
      assert.deepEqual((await store.list(prefix)).entries, []);
    },
  },
  {
    name: "of those who race for an absent key one wins",
    async run({ store, prefix }) {
      const key = `${prefix}k`;
      const racers = Array.from({ length: 40 }, (_, i) => store.txn([at(key, 0)], [put(key, String(i))]));
      const won = (await Promise.all(racers)).flatMap(({ kind }, i) => (kind === "committed" ? [i] : []));
      assert.equal(won.length, 1);
      assert.equal((await store.get(key)).entry?.value, String(won[0]));
    },
  },
  {
    name: "counting by compare-and-set loses no step",
    async run({ store, prefix }) {
      const key = `${prefix}counter`;
      await commit(store, put(key, "0"));
      const step = async (): Promise<void> => {
        for (;;) {
          const { entry } = await store.get(key);
          const next = put(key, String(Number(entry?.value) + 1));
          if ((await store.txn([at(key, entry?.revision ?? 0)], [next])).kind === "committed") return;
        }
      };
      const walk = async (): Promise<void> => {
        for (let i = 0; i < 10; i++) await step();
      };
      await Promise.all(Array.from({ length: 8 }, walk));
      assert.equal((await store.get(key)).entry?.value, "80");
    },
  },
  {
    name: "transactions at the same time have each a revision of its own",
    async run({ store, prefix }) {
      const all = Array.from({ length: 200 }, (_, i) => commit(store, put(`${prefix}${i}`)));
      const revisions = await Promise.all(all);
      assert.equal(new Set(revisions).size, revisions.length);
      const { entries } = await store.list(prefix);
      for (const { key, revision } of entries)
        assert.equal(revision, revisions[Number(key.slice(prefix.length))]);
    },
  },
];
