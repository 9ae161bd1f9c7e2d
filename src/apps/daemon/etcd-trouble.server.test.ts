// A daemon that starts and works while its etcd is full, or forgets what is just being read: it says so and goes on, and never ends.
import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { openTestStore } from "../../../test/store/etcd.ts";
import { type Call, startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { daemonBed, kill } from "../../../test/support/daemon-process.ts";
import { type EtcdCluster, type EtcdMember, startEtcd } from "../../../test/support/etcd.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { KEY_PREFIX } from "../../core/model/keys.ts";
import type { Store } from "../../io/store/store.ts";

let etcd: EtcdCluster;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd.dispose());

async function daemonOn(t: TestContext, store: Store): Promise<Call> {
  const running = await startDaemon({ store, argv: ["--new-cluster", "--adoption-window", "0"] });
  t.after(() => running.close());
  // Nobody awaits it otherwise: a test must not pass on a daemon that is about to end.
  const ended = running.ended.then(() => undefined);
  t.after(() => ended);
  return running.call;
}

async function prepare(call: Call): Promise<void> {
  assert.equal((await call("POST /topology", twoRacks)).status, 200);
  const host = { name: "h0", ip: "192.168.0.1", tags: { rack: "a" } };
  assert.equal((await call("POST /hosts", host)).status, 200);
}
const allocate = (call: Call, name: string) => call("POST /address", { name, host: "h0", tenant: "t" });

async function setAlarm(member: EtcdMember, action: "ACTIVATE" | "DEACTIVATE"): Promise<void> {
  const { header } = await member.post("maintenance/status", {});
  const { member_id: memberID } = header as { member_id: string };
  await member.post("maintenance/alarm", { action, memberID, alarm: "NOSPACE" });
}

test("at full quota a running daemon and one that starts refuse what they would write, tell the rest, and mend without a restart", async (t) => {
  const [member] = etcd.members;
  assert.ok(member);
  const running = await daemonOn(t, await openTestStore(etcd.urls));
  await prepare(running);
  const given = await allocate(running, "before");
  t.after(() => setAlarm(member, "DEACTIVATE"));
  await setAlarm(member, "ACTIVATE");
  const started = await daemonOn(t, await openTestStore(etcd.urls));
  for (const call of [running, started]) {
    const { status, body } = await allocate(call, "during");
    assert.deepEqual([status, body["code"]], [503, "STORE_FULL"], JSON.stringify(body));
    assert.deepEqual((await allocate(call, "before")).body, given.body);
    assert.equal((await call("GET /hosts/h0")).status, 200);
  }
  await setAlarm(member, "DEACTIVATE");
  for (const call of [running, started])
    await eventually(async () => assert.equal((await allocate(call, "during")).status, 200));
});

test("a daemon that starts before its etcd waits for it", async (t) => {
  const [member] = etcd.members;
  assert.ok(member);
  const { start, log } = await daemonBed(t);
  await member.kill();
  const starting = start("--store", `etcd:${member.url}`);
  await eventually(async () => assert.match(log(), /the store does not answer, tried again/), {
    within: 90_000,
  });
  await member.start();
  assert.equal(await kill(await starting, "SIGTERM"), 0);
});

/** More than the driver reads at once. */
const MANY = 2100;

test("a daemon whose etcd forgets the revision that its start is reading at reads again, however often", async (t) => {
  const store = await openTestStore(etcd.urls);
  const key = (i: number): string => `${KEY_PREFIX}zz-other/${String(i).padStart(5, "0")}`;
  for (let i = 0; i < MANY; i += 50)
    await store.txn(
      [],
      Array.from({ length: 50 }, (_, j) => ({ kind: "put", key: key(i + j), value: "x" }) as const),
    );
  let compactions = 0;
  const forgetful = storeWith(store, {
    async *snapshot(prefix) {
      for await (const page of store.snapshot(prefix)) {
        yield page;
        if (++compactions > 3) continue;
        const { revision } = await store.txn([], [{ kind: "put", key: key(0), value: String(compactions) }]);
        await store.compact(revision);
      }
    },
  });
  const call = await daemonOn(t, forgetful);
  assert.equal((await call("GET /hosts/h0")).status, 200);
  assert.ok(compactions > 3);
});
