// A store that is closed: everything ends, with one reason.
import assert from "node:assert/strict";
import { UnavailableError } from "../../src/base/errors.ts";
import { commit, follow, put, type StoreCase } from "./subject.ts";

const isClosed = (error: unknown): boolean =>
  error instanceof UnavailableError && error.code === "STORE_CLOSED";

export const endCases: readonly StoreCase[] = [
  {
    name: "it has an identity",
    run: async ({ store }) => assert.match(store.identity.clusterId, /^\S+$/),
  },
  {
    name: "a closed store refuses everything, and may be closed twice",
    async run({ store, prefix }) {
      const lease = await store.grantLease(60);
      await store.close();
      const attempts: readonly (() => Promise<unknown>)[] = [
        () => store.get(`${prefix}k`),
        () => store.list(prefix),
        () => store.snapshot(prefix)[Symbol.asyncIterator]().next(),
        () => store.txn([], [put(`${prefix}k`)]),
        () => store.grantLease(60),
        () => store.renewLease(lease),
        () => store.revokeLease(lease),
        () => store.compact(1),
      ];
      for (const attempt of attempts) await assert.rejects(attempt, isClosed, attempt.toString());
      await store.close();
    },
  },
  {
    name: "closing ends watches, those that wait and those that come",
    async run(subject) {
      const { store, prefix } = subject;
      const revision = await commit(store, put(`${prefix}k`));
      const follower = follow(subject, revision);
      await follower.caughtUp(revision);
      const waits = assert.rejects(follower.next(), isClosed);
      await store.close();
      await waits;
      await assert.rejects(follow(subject, revision).next(), isClosed);
    },
  },
  {
    name: "what was asked for before it was closed is answered, not forgotten",
    async run({ store, prefix }) {
      const asked = Promise.allSettled(
        Array.from({ length: 50 }, (_, i) => commit(store, put(`${prefix}${i}`))),
      );
      await store.close();
      for (const outcome of await asked)
        assert.ok(outcome.status === "fulfilled" || isClosed(outcome.reason));
    },
  },
];
