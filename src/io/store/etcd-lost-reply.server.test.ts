// What becomes of a transaction whose request or answer is lost on the way, and of a watch whose connection is deaf. Real etcd,
// behind a proxy that loses what it is told to.
import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { commit, follow, put, remove, revisionOf } from "../../../test/store/subject.ts";
import { type EtcdCluster, startEtcd } from "../../../test/support/etcd.ts";
import { openTestStore } from "../../../test/store/etcd.ts";
import { startTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";
import type { Compare, Store } from "./store.ts";

let etcd: EtcdCluster;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd.dispose());

type Bench = {
  readonly proxy: TcpProxy;
  /** Reaches the member through the proxy first, then directly. */
  readonly store: Store;
  readonly direct: Store;
  readonly key: string;
  readonly absent: Compare;
};

async function setUp(t: TestContext): Promise<Bench> {
  const proxy = await startTcpProxy(new URL(etcd.urls[0] ?? ""));
  const direct = await openTestStore(etcd.urls);
  const store = await openTestStore([`http://${proxy.address}`, ...etcd.urls]);
  t.after(async () => {
    await store.close();
    await direct.close();
    await proxy.close();
  });
  const key = `/lost/${t.name}`;
  return { proxy, store, direct, key, absent: { kind: "revision", key, revision: 0 } };
}

const watch = (by: Store, key: string, since: number) =>
  follow({ store: by, prefix: key, pass: async () => undefined, signal: AbortSignal.timeout(20_000) }, since);

// Each waits for its time limits: at the same time.
describe("what is lost on the way", { concurrency: true }, () => {
  test("a transaction whose answer is lost was committed, and says so", async (t) => {
    const { proxy, store, direct, key, absent } = await setUp(t);
    proxy.hold("replies");
    const result = await store.txn([absent], [put(key, "mine")]);
    const { entry } = await direct.get(key);
    assert.deepEqual(result, { kind: "committed", revision: entry?.revision });
    assert.equal(entry?.createRevision, entry?.revision);
  });

  test("a transaction whose request is lost is committed once", async (t) => {
    const { proxy, store, direct, key, absent } = await setUp(t);
    proxy.hold("requests");
    const result = await store.txn([absent], [put(key, "mine")]);
    const { entry } = await direct.get(key);
    assert.deepEqual(result, { kind: "committed", revision: entry?.revision });
  });

  test("a transaction that was lost, and overtaken, conflicts", async (t) => {
    const { proxy, store, direct, key, absent } = await setUp(t);
    proxy.hold("requests");
    const racing = store.txn([absent], [put(key, "mine")]);
    await commit(direct, put(key, "theirs"));
    const result = await racing;
    assert.deepEqual(result.kind === "conflict" && result.failed, [0]);
    assert.equal((await direct.get(key)).entry?.value, "theirs");
  });

  test("a committed transaction is recognised after others have changed what it wrote", async (t) => {
    const { proxy, store, direct, key, absent } = await setUp(t);
    const before = await commit(direct, put(`${key}/gone`));
    proxy.hold("replies");
    const follower = watch(direct, key, before);
    const running = store.txn(
      [absent, { kind: "revision", key: `${key}/gone`, revision: before }],
      [put(key, "mine"), remove(`${key}/gone`)],
    );
    const [mine] = await follower.events(2);
    follower.stop();
    await commit(direct, put(key, "theirs"), put(`${key}/gone`, "again"));
    assert.deepEqual(await running, { kind: "committed", revision: mine && revisionOf(mine) });
  });

  test("a transaction that could be applied twice is not sent again: its outcome is unknown, and told so", async (t) => {
    const { proxy, store, direct, key } = await setUp(t);
    proxy.hold("replies");
    await assert.rejects(store.txn([], [put(key, "mine")]), { code: "STORE_TIMEOUT" });
    assert.equal((await direct.get(key)).entry?.value, "mine");
  });

  test("reads and leases are asked for again", async (t) => {
    const { proxy, store, key } = await setUp(t);
    proxy.hold("replies");
    const lease = await store.grantLease(60);
    assert.equal(await store.renewLease(lease), true);
    await store.revokeLease(lease);
    assert.deepEqual((await store.list(key)).entries, []);
  });

  test("a watch whose connection is deaf moves within seconds, and has lost nothing", async (t) => {
    const { proxy, store, direct, key } = await setUp(t);
    const since = await commit(direct, put(key, "0"));
    const follower = watch(store, key, since);
    await follower.caughtUp(since);
    proxy.hold("replies");
    const start = performance.now();
    const written = [await commit(direct, put(key, "1")), await commit(direct, put(key, "2"))];
    assert.deepEqual((await follower.events(2)).map(revisionOf), written);
    assert.ok(performance.now() - start < 8000);
  });
});

test("a watcher learns that what it did not hear is compacted, and hears what comes after", async (t) => {
  const { proxy, store, direct, key } = await setUp(t);
  const since = await commit(direct, put(key, "0"));
  const follower = watch(store, key, since);
  await follower.caughtUp(since);
  proxy.hold("replies");
  for (let i = 0; i < 5; i++) await commit(direct, put(key, String(i)));
  const last = await commit(direct, put(key, "last"));
  await direct.compact(last);
  proxy.cut();
  const message = await follower.next();
  assert.deepEqual(message, { kind: "compacted", oldest: last });
  const { revision } = await store.list(key);
  const again = watch(store, key, revision);
  const next = await commit(direct, put(key, "next"));
  assert.deepEqual((await again.events(1)).map(revisionOf), [next]);
});

test("a watch from before this process is told that its past is compacted", async (t) => {
  const { direct, key } = await setUp(t);
  const [since, , last] = [
    await commit(direct, put(key)),
    await commit(direct, put(key)),
    await commit(direct, put(key)),
  ];
  await direct.compact(last);
  const late = await openTestStore(etcd.urls);
  const message = await watch(late, key, since).next();
  assert.deepEqual(message, { kind: "compacted", oldest: last });
  await late.close();
});

test("a watch from before this process hears all that was since, page by page, and goes on", async (t) => {
  const { direct, key } = await setUp(t);
  const since = await commit(direct, put(key));
  const revisions: number[] = [];
  const writer = async (_: unknown, i: number): Promise<void> => {
    for (let j = 0; j < 80; j++) revisions.push(await commit(direct, put(`${key}/${i}/${j}`)));
  };
  await Promise.all(Array.from({ length: 16 }, writer));
  revisions.sort((a, b) => a - b);
  const late = await openTestStore(etcd.urls);
  t.after(() => late.close());
  const follower = watch(late, key, since);
  const batches = await follower.batches(revisions.length);
  assert.ok(batches.length > 1);
  assert.deepEqual(batches.flat().map(revisionOf), revisions);
  const next = await commit(direct, put(key));
  assert.deepEqual((await follower.events(1)).map(revisionOf), [next]);
});

test("a snapshot that etcd forgets while it is read ends with an error, not with half of it", async (t) => {
  const { store, direct, key } = await setUp(t);
  for (let i = 0; i < 2100; i += 100)
    await commit(direct, ...Array.from({ length: 100 }, (_, j) => put(`${key}/${i + j}`)));
  const pages = store.snapshot(key)[Symbol.asyncIterator]();
  await pages.next();
  await direct.compact(await commit(direct, put(key)));
  await assert.rejects(Promise.resolve(pages.next()), { code: "STORE_COMPACTED" });
});
