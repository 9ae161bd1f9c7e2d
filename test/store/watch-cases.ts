// What `watch` tells, in which order, and when it ends; what is compacted.
import assert from "node:assert/strict";
import { commit, follow, keyOf, put, remove, revisionOf, type StoreCase, type Subject } from "./subject.ts";

/** Some writes to step the revision on. */
async function steps({ store, prefix }: Subject, count: number): Promise<number[]> {
  const revisions: number[] = [];
  for (let i = 0; i < count; i++) revisions.push(await commit(store, put(`${prefix}step`, String(i))));
  return revisions;
}

export const watchCases: readonly StoreCase[] = [
  {
    name: "a watch tells what was written after its revision, then what comes",
    async run(subject) {
      const { store, prefix } = subject;
      const since = await commit(store, put(`${prefix}before`));
      const one = await commit(store, put(`${prefix}a`, "1"));
      const follower = follow(subject, since);
      const [first] = await follower.events(1);
      assert.deepEqual(first, {
        kind: "put",
        entry: { key: `${prefix}a`, value: "1", createRevision: one, revision: one },
      });
      const two = await commit(store, put(`${prefix}a`, "2"));
      const three = await commit(store, remove(`${prefix}a`));
      assert.deepEqual(await follower.events(2), [
        { kind: "put", entry: { key: `${prefix}a`, value: "2", createRevision: one, revision: two } },
        { kind: "delete", key: `${prefix}a`, revision: three },
      ]);
    },
  },
  {
    name: "a watch from the revision of a list misses nothing and repeats nothing",
    async run(subject) {
      const { store, prefix } = subject;
      const writing = (async () => {
        for (let i = 0; i < 200; i++) await commit(store, put(`${prefix}${i}`));
      })();
      for (let round = 0; round < 5; round++) {
        const { entries, revision } = await store.list(prefix);
        const events = await follow(subject, revision).events(200 - entries.length);
        const all = [...entries.map(({ key }) => key), ...events.map(keyOf)];
        assert.equal(all.length, 200);
        assert.equal(new Set(all).size, 200);
      }
      await writing;
    },
  },
  {
    name: "a watch hears of its prefix only",
    async run(subject) {
      const { store, prefix } = subject;
      const since = await commit(store, put(`${prefix}start`));
      const follower = follow(subject, since, `${prefix}a/`);
      await commit(store, put(`${prefix}a`), put(`${prefix}b/1`), put(`${prefix}a/1`), put(`${prefix}a0`));
      await commit(store, put(`${prefix}b/2`));
      await commit(store, put(`${prefix}a/2`));
      assert.deepEqual((await follower.events(2)).map(keyOf), [`${prefix}a/1`, `${prefix}a/2`]);
    },
  },
  {
    name: "events of a transaction come together and in the order of its operations",
    async run(subject) {
      const { store, prefix } = subject;
      const since = await commit(store, put(`${prefix}8`));
      const follower = follow(subject, since);
      const operations = [put(`${prefix}9`), remove(`${prefix}8`), put(`${prefix}1`), put(`${prefix}5`)];
      await commit(store, ...operations);
      const [batch] = await follower.batches(1);
      assert.deepEqual(
        batch?.map(keyOf),
        operations.map(({ key }) => key),
      );
    },
  },
  {
    name: "a watch never splits a transaction, however many there are, and keeps their order",
    async run(subject) {
      const { store, prefix } = subject;
      const since = await commit(store, put(`${prefix}start`));
      const live = follow(subject, since);
      const [many, each] = [60, 40];
      const write = (i: number): Promise<number> =>
        commit(store, ...Array.from({ length: each }, (_, j) => put(`${prefix}${i}/${j}`, "x".repeat(200))));
      const all = Promise.all(Array.from({ length: many }, (_, i) => write(i)));
      for (const follower of [live, follow(subject, since)]) {
        const batches = await follower.batches(many * each);
        const revisions = batches.map((batch) => batch.map(revisionOf));
        const told = revisions.flat();
        assert.deepEqual(
          told,
          told.toSorted((a, b) => a - b),
        );
        const owners = new Map<number, Set<number>>();
        for (const [i, batch] of revisions.entries())
          for (const revision of batch) owners.set(revision, (owners.get(revision) ?? new Set()).add(i));
        assert.equal(owners.size, many);
        assert.ok([...owners.values()].every((inBatches) => inBatches.size === 1));
      }
      await all;
    },
  },
  {
    name: "a message's revision is that of its last event",
    async run(subject) {
      const since = (await steps(subject, 1))[0] ?? 0;
      await steps(subject, 5);
      const message = await follow(subject, since).next();
      assert.ok(message !== "ended" && message.kind === "events");
      const last = message.events.at(-1);
      assert.ok(last && message.revision >= revisionOf(last));
    },
  },
  {
    name: "a watch that has nothing to tell says how far it is",
    async run(subject) {
      const [revision = 0] = await steps(subject, 1);
      assert.deepEqual(await follow(subject, revision).caughtUp(revision), []);
      const elsewhere = follow(subject, revision, `${subject.prefix}elsewhere/`);
      assert.deepEqual(await elsewhere.caughtUp(revision), []);
    },
  },
  {
    name: "progress comes after all events up to its revision",
    async run(subject) {
      const [since = 0] = await steps(subject, 1);
      const written = await steps(subject, 30);
      const before = await follow(subject, since).caughtUp(written.at(-1) ?? 0);
      const told = before.flatMap((message) => (message.kind === "events" ? message.events : []));
      assert.deepEqual(told.map(revisionOf), written);
    },
  },
  {
    name: "a watch from a revision that is still to come tells nothing of before",
    async run(subject) {
      const [now = 0] = await steps(subject, 1);
      const follower = follow(subject, now + 2);
      const revisions = (await steps(subject, 4)).filter((revision) => revision > now + 2);
      assert.deepEqual((await follower.events(revisions.length)).map(revisionOf), revisions);
    },
  },
  {
    name: "a watcher that is slow misses nothing, and watchers do not disturb each other",
    async run(subject) {
      const [since = 0] = await steps(subject, 1);
      const followers = Array.from({ length: 20 }, () => follow(subject, since));
      const [quick, ...slow] = followers;
      const written: number[] = [];
      for (let i = 0; i < 50; i++) {
        written.push(...(await steps(subject, 1)));
        await quick?.events(1);
      }
      for (const follower of slow) assert.deepEqual((await follower.events(50)).map(revisionOf), written);
    },
  },
  {
    name: "an aborted watch ends without an error, also before it began and while it waits",
    async run(subject) {
      const { store, prefix, signal } = subject;
      const [since = 0] = await steps(subject, 2);
      const never = { since, signal: AbortSignal.abort() };
      for await (const message of store.watch(prefix, never)) assert.fail(JSON.stringify(message));
      const follower = follow({ ...subject, signal }, since);
      await follower.events(1);
      const waits = follower.next();
      follower.stop();
      assert.equal(await waits, "ended");
      assert.equal(await follower.next(), "ended");
    },
  },
  {
    name: "a watch that is left half-way holds up nobody",
    async run(subject) {
      const { store, prefix, signal } = subject;
      const [since = 0] = await steps(subject, 5);
      for await (const message of store.watch(prefix, { since, signal })) {
        assert.ok(message.kind !== "compacted");
        break;
      }
      const follower = follow(subject, since);
      await follower.events(4);
    },
  },
  {
    name: "a late watcher is told that its past is compacted, and its watch ends",
    async run(subject) {
      const revisions = await steps(subject, 6);
      const [first = 0, , third = 0, fourth = 0] = revisions;
      await subject.store.compact(fourth);
      for (const since of [first, third - 1]) {
        const follower = follow(subject, since);
        const message = await follower.next();
        assert.ok(message !== "ended" && message.kind === "compacted", JSON.stringify(message));
        assert.ok(message.oldest > since && message.oldest <= fourth);
        assert.equal(await follower.next(), "ended");
      }
    },
  },
  {
    name: "what is after the compacted revision is still told",
    async run(subject) {
      const revisions = await steps(subject, 6);
      const kept = revisions.slice(4);
      await subject.store.compact(revisions[3] ?? 0);
      assert.deepEqual((await follow(subject, revisions[3] ?? 0).events(2)).map(revisionOf), kept);
    },
  },
  {
    name: "compaction takes no entry, disturbs no watch that has caught up, and may be asked for twice",
    async run(subject) {
      const { store, prefix } = subject;
      const [first = 0] = await steps(subject, 1);
      const follower = follow(subject, first);
      await follower.caughtUp(first);
      const last = (await steps(subject, 5)).at(-1) ?? 0;
      await follower.events(5);
      await store.compact(last);
      await store.compact(last);
      await store.compact(first);
      assert.equal((await store.get(`${prefix}step`)).entry?.value, "4");
      const [next = 0] = await steps(subject, 1);
      assert.deepEqual((await follower.events(1)).map(revisionOf), [next]);
    },
  },
];
