// Who leads: one of several, and another one when it is gone, however it goes.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createFakeClock, type FakeClock } from "../../../test/support/fake-clock.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { type FakeKube, startFakeKube } from "../../../test/support/fake-kube.ts";
import { seededRng } from "../../base/clock.ts";
import { createHealth, type HealthState } from "../../base/health.ts";
import { silentLog } from "../../base/log.ts";
import { createKubeClient } from "../../io/kube/kube-client.ts";
import { type Leader, startLeader } from "./leader.ts";

const LEASES = "/apis/coordination.k8s.io/v1/leases";

type Candidate = {
  readonly leader: Leader;
  readonly health: () => HealthState;
  readonly began: () => number;
};
type Bed = {
  readonly kube: FakeKube;
  readonly clock: FakeClock;
  readonly start: (name: string) => Candidate;
  /** Lets time pass in steps, with answers on their way in between. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly holder: () => string | undefined;
};

async function setUp(t: TestContext): Promise<Bed> {
  const kube = await startFakeKube();
  const clock = createFakeClock();
  const leaders: Leader[] = [];
  t.after(async () => {
    await Promise.all(leaders.map((leader) => leader.close()));
    kube.close();
  });
  return {
    kube,
    clock,
    start(name) {
      const client = createKubeClient(kube.access);
      t.after(() => client.close());
      const health = createHealth(clock);
      let times = 0;
      const deps = { client, clock, rng: seededRng(1), log: silentLog, health: health.reporter("leader") };
      const leader = startLeader(name, () => times++, deps);
      leaders.push(leader);
      return { leader, health: () => health.state(), began: () => times };
    },
    async pass(seconds) {
      for (let i = 0; i < seconds * 2; i++) {
        const before = kube.asked.length;
        await clock.advance(500);
        // A request that left is answered: each is of a loop that sleeps then.
        if (kube.asked.length > before) await eventually(() => assert.ok(clock.sleeping > 0));
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    holder: () => {
      const lease = kube.get(LEASES, "romana-listener", "romana");
      return (lease?.["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity;
    },
  };
}

test("the first one leads, and no other beside it", async (t) => {
  const { start, holder, pass } = await setUp(t);
  const a = start("a");
  await eventually(() => assert.equal(a.leader.isLeading, true));
  const b = start("b");
  await eventually(() => assert.equal(b.health().ok, true));
  await pass(30);
  assert.deepEqual([a.leader.isLeading, b.leader.isLeading, holder()], [true, false, "a"]);
  assert.deepEqual([a.began(), b.began()], [1, 0]);
});

test("one that stops gives its lease back, and the next leads at its next look", async (t) => {
  const { start, holder, pass } = await setUp(t);
  const a = start("a");
  await eventually(() => assert.equal(a.leader.isLeading, true));
  const b = start("b");
  await eventually(() => assert.equal(b.health().ok, true));
  await a.leader.close();
  assert.equal(holder(), "");
  await pass(5);
  await eventually(() => assert.deepEqual([b.leader.isLeading, holder()], [true, "b"]));
});

test("one that died without a word is followed after its lease has ended", async (t) => {
  const { kube, start, pass, holder } = await setUp(t);
  kube.put(LEASES, {
    metadata: { name: "romana-listener", namespace: "romana" },
    spec: { holderIdentity: "dead", leaseDurationSeconds: 15, leaseTransitions: 3 },
  });
  const b = start("b");
  await eventually(() => assert.equal(b.health().ok, true));
  await pass(10);
  assert.deepEqual([b.leader.isLeading, holder()], [false, "dead"]);
  await pass(10);
  await eventually(() => assert.deepEqual([b.leader.isLeading, holder()], [true, "b"]));
  const { spec } = kube.get(LEASES, "romana-listener", "romana") as { spec?: Record<string, unknown> };
  assert.equal(spec?.["leaseTransitions"], 4);
  assert.match(String(spec?.["renewTime"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test("one that cannot renew leads no more before another may, and says why", async (t) => {
  const { kube, start, clock } = await setUp(t);
  const a = start("a");
  await eventually(() => assert.equal(a.leader.isLeading, true));
  const message = 'leases "romana-listener" is forbidden: cannot update resource "leases"';
  kube.refuse(() => ({ status: 403, message }));
  await clock.advance(5000);
  await eventually(() => assert.match(a.health().parts["leader"] ?? "", /cannot update resource "leases"/));
  await clock.advance(5000);
  assert.equal(a.leader.isLeading, false);
});

test("of two at once one gets it", async (t) => {
  const { start, holder } = await setUp(t);
  const both = [start("a"), start("b")];
  await eventually(() => assert.ok(both.every(({ health }) => health().ok)));
  assert.equal(both.filter(({ leader }) => leader.isLeading).length, 1);
  assert.ok(["a", "b"].includes(holder() ?? ""));
});

test("a wall clock that jumps, ahead or back, changes nothing about who leads", async (t) => {
  const { start, clock, holder, pass } = await setUp(t);
  const a = start("a");
  await eventually(() => assert.equal(a.leader.isLeading, true));
  const b = start("b");
  await eventually(() => assert.equal(b.health().ok, true));
  for (const hours of [5, -10]) {
    clock.jump(hours * 3_600_000);
    await pass(20);
    assert.deepEqual([a.leader.isLeading, b.leader.isLeading, holder()], [true, false, "a"]);
  }
  assert.deepEqual([a.began(), b.began()], [1, 0]);
});
