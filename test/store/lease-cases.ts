// Keys that live as long as somebody renews their lease. Times are whole seconds with room on both sides, as a real server's
// clock is its own.
import assert from "node:assert/strict";
import { BugError, UnavailableError } from "../../src/base/errors.ts";
import { eventually } from "../support/eventually.ts";
import { commit, follow, keyOf, put, remove, revisionOf, type StoreCase, type Subject } from "./subject.ts";

const TTL = 3;
/** Long after a lease of TTL has ended. */
const LONG = 3 * TTL;

async function gone({ store }: Subject, key: string): Promise<void> {
  await eventually(async () => assert.equal((await store.get(key)).entry, undefined), { within: 10_000 });
}
const isGone = (error: unknown): boolean => error instanceof UnavailableError && error.code === "LEASE_GONE";

export const leaseCases: readonly StoreCase[] = [
  {
    name: "a key knows its lease until it is put without one",
    async run({ store, prefix }) {
      const lease = await store.grantLease(60);
      await commit(store, put(`${prefix}k`, "v", lease));
      assert.equal((await store.get(`${prefix}k`)).entry?.lease, lease);
      await commit(store, put(`${prefix}k`, "v"));
      assert.ok(!("lease" in ((await store.get(`${prefix}k`)).entry ?? { lease: "" })));
      await store.revokeLease(lease);
      assert.equal((await store.get(`${prefix}k`)).entry?.value, "v");
    },
  },
  {
    name: "keys of a lease that nobody renews are deleted, all at one revision, and watchers hear of it",
    async run(subject) {
      const { store, prefix, pass } = subject;
      const lease = await store.grantLease(TTL);
      const keys = ["a", "b", "c"].map((name) => prefix + name);
      const since = await commit(store, put(`${prefix}stays`), ...keys.map((key) => put(key, "v", lease)));
      const follower = follow(subject, since);
      await pass(1);
      assert.equal((await store.list(prefix)).entries.length, 4, "before its time");
      await pass(LONG);
      for (const key of keys) await gone(subject, key);
      const [batch = []] = await follower.batches(3);
      assert.deepEqual(batch.map(keyOf), keys);
      assert.deepEqual([...new Set(batch.map(({ kind }) => kind))], ["delete"]);
      assert.equal(new Set(batch.map(revisionOf)).size, 1);
      assert.ok((await store.get(`${prefix}stays`)).entry);
    },
  },
  {
    name: "a lease that is renewed lives on, and ends when that stops",
    async run(subject) {
      const { store, prefix, pass } = subject;
      const lease = await store.grantLease(TTL);
      await commit(store, put(`${prefix}k`, "v", lease));
      for (let i = 0; i < 4; i++) {
        await pass(1.5);
        assert.equal(await store.renewLease(lease), true);
      }
      assert.ok((await store.get(`${prefix}k`)).entry);
      await pass(LONG);
      await gone(subject, `${prefix}k`);
      assert.equal(await store.renewLease(lease), false);
    },
  },
  {
    name: "a lease that has ended takes no more keys",
    async run(subject) {
      const { store, prefix, pass } = subject;
      const lease = await store.grantLease(TTL);
      await commit(store, put(`${prefix}k`, "v", lease));
      await pass(LONG);
      await gone(subject, `${prefix}k`);
      await assert.rejects(store.txn([], [put(`${prefix}x`), put(`${prefix}k`, "v", lease)]), isGone);
      assert.deepEqual((await store.list(prefix)).entries, []);
    },
  },
  {
    name: "a lease ends its own keys only, not what was deleted or given to another",
    async run(subject) {
      const { store, prefix } = subject;
      const [one, two] = [await store.grantLease(60), await store.grantLease(60)];
      const keys = ["deleted", "moved", "kept"].map((name) => prefix + name);
      await commit(store, ...keys.map((key) => put(key, "v", one)));
      await commit(store, remove(`${prefix}deleted`), put(`${prefix}moved`, "v", two));
      await commit(store, put(`${prefix}deleted`, "again"));
      await store.revokeLease(one);
      const { entries } = await store.list(prefix);
      assert.deepEqual(
        entries.map(({ key }) => key.slice(prefix.length)),
        ["deleted", "moved"],
      );
      await store.revokeLease(two);
    },
  },
  {
    name: "a revoked lease deletes its keys at once and is gone; to revoke it again does nothing",
    async run(subject) {
      const { store, prefix } = subject;
      const lease = await store.grantLease(60);
      const since = await commit(store, put(`${prefix}k`, "v", lease));
      await store.revokeLease(lease);
      assert.equal((await store.get(`${prefix}k`)).entry, undefined);
      assert.deepEqual((await follow(subject, since).events(1)).map(keyOf), [`${prefix}k`]);
      assert.equal(await store.renewLease(lease), false);
      await store.revokeLease(lease);
      await assert.rejects(store.txn([], [put(`${prefix}k`, "v", lease)]), isGone);
    },
  },
  {
    name: "a lease nobody granted is not renewed",
    run: async ({ store }) => assert.equal(await store.renewLease("7587864527563129999"), false),
  },
  {
    name: "a time to live is whole seconds from 1 to a day; anything else is a bug",
    async run({ store }) {
      for (const ttl of [0, -1, 1.5, NaN, 86_401])
        await assert.rejects(
          store.grantLease(ttl),
          (error: unknown) => error instanceof BugError && error.code === "LEASE_TTL",
        );
    },
  },
];
