// One member of etcd through its troubles: restart, a full quota, users whose tokens end, another cluster at the same address.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../../test/support/eventually.ts";
import { type EtcdMember, type EtcdSetup, startEtcd } from "../../../test/support/etcd.ts";
import { openTestStore } from "../../../test/store/etcd.ts";
import { commit, follow, keyOf, put } from "../../../test/store/subject.ts";
import type { EtcdOptions } from "./etcd-client.ts";
import type { Store } from "./store.ts";

async function setUp(t: TestContext, setup: EtcdSetup = {}): Promise<EtcdMember> {
  const etcd = await startEtcd(setup);
  t.after(() => etcd.dispose());
  const [member] = etcd.members;
  assert.ok(member);
  return member;
}

async function open(t: TestContext, member: EtcdMember, more: Partial<EtcdOptions> = {}): Promise<Store> {
  const store = await openTestStore([member.url], more);
  t.after(() => store.close());
  return store;
}

const watch = (store: Store, since: number) =>
  follow({ store, prefix: "/", pass: async () => undefined, signal: AbortSignal.timeout(60_000) }, since);
const fails = (code: string) => ({ name: "UnavailableError", code });

test("a member that is killed and comes back is found again, by calls and by the watch", async (t) => {
  const member = await setUp(t);
  const store = await open(t, member);
  const since = await commit(store, put("/a"));
  const follower = watch(store, since);
  await follower.caughtUp(since);
  await member.kill("SIGKILL");
  const asked = store.get("/a");
  await member.start();
  assert.ok((await asked).entry);
  await commit(store, put("/b"));
  assert.deepEqual((await follower.events(1)).map(keyOf), ["/b"]);
  assert.equal((await open(t, member)).identity.clusterId, store.identity.clusterId);
});

test("a full quota is told as such, reads go on, and after space was made so do writes", async (t) => {
  const member = await setUp(t, { args: ["--quota-backend-bytes", String(2 * 2 ** 20)] });
  const store = await open(t, member);
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await commit(store, put("/fill", "x".repeat(100_000)));
  };
  await assert.rejects(fill, fails("STORE_FULL"));
  await assert.rejects(commit(store, put("/small")), fails("STORE_FULL"));
  const { entry, revision } = await store.get("/fill");
  assert.equal(entry?.revision, revision);
  await store.compact(revision);
  // etcd frees what was compacted when it finds the time.
  await eventually(async () => {
    await member.post("maintenance/defragment", {});
    const { alarms } = await member.post("maintenance/alarm", { action: "GET" });
    for (const alarm of alarms as Record<string, unknown>[])
      await member.post("maintenance/alarm", { action: "DEACTIVATE", ...alarm });
    await commit(store, put("/small"));
  });
});

test("what is too large for etcd is told, and nothing of it is there", async (t) => {
  const store = await open(t, await setUp(t));
  for (const size of [1.6, 3])
    await assert.rejects(
      commit(store, put("/large", "x".repeat(size * 2 ** 20))),
      fails("STORE_TXN_TOO_BIG"),
    );
  assert.equal((await store.get("/large")).entry, undefined);
});

test("a user's token ends and is renewed; without the right password, or without a user, nothing is to be had", async (t) => {
  const member = await setUp(t, { args: ["--auth-token-ttl", "1"] });
  const early = await open(t, member);
  await commit(early, put("/k", "v"));
  await addUser(member, "root", "master", { key: "AA==", range_end: "AA==" });
  await addUser(member, "romana", "secret", { key: "AA==", range_end: "AA==" });
  await addUser(member, "narrow", "secret", { key: base64("/romana/"), range_end: base64("/romana0") });
  await member.post("auth/enable", {});
  await assert.rejects(early.get("/k"), fails("STORE_DENIED"));
  const wrong = { user: () => ({ name: "romana", password: "guess" }) };
  await assert.rejects(open(t, member, wrong), fails("STORE_DENIED"));
  await assert.rejects(
    open(t, member, { user: () => ({ name: "narrow", password: "secret" }) }),
    fails("STORE_DENIED"),
  );
  const store = await open(t, member, { user: () => ({ name: "romana", password: "secret" }) });
  const { revision } = await store.get("/k");
  const follower = watch(store, revision);
  await follower.caughtUp(revision);
  // No call goes out meanwhile, as each would prolong the token.
  await delay(2500);
  await commit(store, put("/k", "after"));
  assert.deepEqual((await follower.events(1)).map(keyOf), ["/k"]);
  await member.kill("SIGTERM");
  await member.start();
  await eventually(() => commit(store, put("/k", "restarted")));
  assert.deepEqual((await follower.events(1)).map(keyOf), ["/k"]);
});

test("a user may be configured before etcd has users", async (t) => {
  const store = await open(t, await setUp(t), { user: () => ({ name: "romana", password: "secret" }) });
  await commit(store, put("/k"));
});

test("another cluster at the same address is not taken for the first", async (t) => {
  const member = await setUp(t);
  const store = await open(t, member);
  await commit(store, put("/k", "first"));
  await member.kill();
  await member.start({ empty: true, args: ["--initial-cluster-token", "another"] });
  const attempts = [store.get("/k"), commit(store, put("/k", "second"))];
  await Promise.all(attempts.map((attempt) => assert.rejects(attempt, fails("STORE_OTHER_CLUSTER"))));
  const other = await open(t, member);
  assert.equal((await other.get("/k")).entry, undefined);
  assert.ok(other.identity.fresh && other.identity.clusterId !== store.identity.clusterId);
});

test("a cluster that went back in time ends the store, for good", async (t) => {
  const member = await setUp(t);
  const store = await open(t, member);
  const since = await commit(store, put("/k", "1"));
  const waits = assert.rejects(watch(store, since + 1).next(), fails("STORE_DIED"));
  await commit(store, put("/k", "2"));
  await member.kill();
  await member.start({ empty: true });
  await assert.rejects(store.get("/k"), fails("STORE_DIED"));
  await waits;
  for (let i = 0; i < 5; i++) await commit(await open(t, member), put("/k"));
  await assert.rejects(store.get("/k"), fails("STORE_DIED"));
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** With a role of the same name that may read and write `range`; `root` may do everything. */
async function addUser(
  member: EtcdMember,
  name: string,
  password: string,
  range: Record<string, string>,
): Promise<void> {
  await member.post("auth/user/add", { name, password });
  await member.post("auth/role/add", { name });
  await member.post("auth/role/grant", { name, perm: { permType: "READWRITE", ...range } });
  await member.post("auth/user/grant", { user: name, role: name });
}
