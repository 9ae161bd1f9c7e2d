// Members of etcd die, freeze and come back: calls and watches go on at the others, and nothing is lost or told twice.
import assert from "node:assert/strict";
import { after, before, beforeEach, test, type TestContext } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { type EtcdCluster, type EtcdMember, startEtcd } from "../../../test/support/etcd.ts";
import { openTestStore } from "../../../test/store/etcd.ts";
import { commit, follow, keyOf, put, revisionOf } from "../../../test/store/subject.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Store } from "./store.ts";

let etcd: EtcdCluster;
before(async () => {
  etcd = await startEtcd({ size: 3 });
});
after(() => etcd.dispose());
beforeEach(async () => {
  await Promise.all(etcd.members.map((member) => member.healthy()));
});

const memberAt = (index: number): EtcdMember => {
  const member = etcd.members[index];
  assert.ok(member);
  return member;
};

/** A store that begins with the member `index`. */
async function storeAt(t: TestContext, index: number): Promise<Store> {
  const store = await openTestStore([...etcd.urls.slice(index), ...etcd.urls.slice(0, index)]);
  t.after(() => store.close());
  return store;
}

const watch = (store: Store, prefix: string, since: number) =>
  follow({ store, prefix, pass: async () => undefined, signal: AbortSignal.timeout(60_000) }, since);

/** One write after the other, each tried again until it is known to be there once. */
async function writeAll(store: Store, prefix: string, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(4, "0")}`);
  for (const key of keys) {
    const absent = { kind: "revision", key, revision: 0 } as const;
    await eventually(async () => {
      const result = await store.txn([absent], [put(key)]);
      assert.ok(result.kind === "committed" || (await store.get(key)).entry);
    });
  }
  return keys;
}

test("a member that serves calls and the watch is killed: both go on at another, in order, nothing twice", async (t) => {
  const store = await storeAt(t, 0);
  const since = await commit(store, put("/kill/start"));
  const follower = watch(store, "/kill/", since);
  await follower.caughtUp(since);
  const start = performance.now();
  const writing = writeAll(store, "/kill/", 300);
  await memberAt(0).kill();
  const written = await writing;
  assert.deepEqual((await follower.events(300)).map(keyOf), written);
  assert.ok(performance.now() - start < 10_000);
  await memberAt(0).start();
});

test("a member that serves the watch freezes: it is noticed and the watch moves within seconds; thawed, it does no harm", async (t) => {
  const [frozen, other] = [await storeAt(t, 1), await storeAt(t, 2)];
  const since = await commit(other, put("/freeze/start"));
  const follower = watch(frozen, "/freeze/", since);
  await follower.caughtUp(since);
  memberAt(1).signal("SIGSTOP");
  const start = performance.now();
  try {
    const written = await writeAll(other, "/freeze/", 20);
    assert.deepEqual((await follower.events(20)).map(keyOf), written);
    assert.ok(performance.now() - start < 8000);
    assert.ok((await frozen.get("/freeze/start")).entry);
  } finally {
    memberAt(1).signal("SIGCONT");
  }
  const written = await writeAll(frozen, "/freeze/thawed/", 20);
  assert.deepEqual((await follower.events(20)).map(keyOf), written);
});

test("all members are restarted one after the other under a writer and a watcher", async (t) => {
  const store = await storeAt(t, 2);
  const since = await commit(store, put("/roll/start"));
  const follower = watch(store, "/roll/", since);
  const writing = writeAll(store, "/roll/", 600);
  for (const member of etcd.members) {
    await member.kill("SIGTERM");
    await member.start();
  }
  const written = await writing;
  assert.deepEqual((await follower.events(600)).map(keyOf), written);
});

test("without a majority it is told that there is no leader, to callers and watchers; with one it goes on", async (t) => {
  const store = await storeAt(t, 0);
  const since = await commit(store, put("/leader/k"));
  const follower = watch(store, "/leader/", since);
  await follower.caughtUp(since);
  const told = follower.next().then(
    () => assert.fail("nothing was written"),
    (error: unknown) => error,
  );
  await Promise.all([memberAt(1).kill(), memberAt(2).kill()]);
  const isNoLeader = { name: "UnavailableError", code: "STORE_NO_LEADER" };
  const unchanged = { kind: "revision", key: "/leader/k", revision: since } as const;
  const attempts = [
    () => store.get("/leader/k"),
    () => store.txn([unchanged], [put("/leader/k")]),
    () => store.grantLease(60),
  ];
  await eventually(() => Promise.all(attempts.map((attempt) => assert.rejects(attempt, isNoLeader))), {
    within: 20_000,
  });
  const reason = await told;
  assert.ok(reason instanceof UnavailableError && reason.code === "STORE_NO_LEADER", String(reason));
  await Promise.all([memberAt(1).start(), memberAt(2).start()]);
  const next = await eventually(() => commit(store, put("/leader/k", "again")), { within: 10_000 });
  // What was rejected may have been applied all the same, before it.
  const again = await eventually(() => watch(store, "/leader/", next - 1).events(1), { within: 10_000 });
  assert.deepEqual(again.map(revisionOf), [next]);
});
