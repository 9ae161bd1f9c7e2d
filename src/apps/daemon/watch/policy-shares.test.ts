// What a node is told of the policies adds up to its share, however its stream was cut and whenever policies came.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { followShare } from "../../../../test/support/follow-share.ts";
import { seededRng } from "../../../base/clock.ts";
import { change, HOSTS, policy, shareOf } from "./testdata/policy-world.ts";

type Running = Awaited<ReturnType<typeof startDaemon>>;

async function start(t: TestContext): Promise<Running> {
  const running = await startDaemon();
  t.after(() => running.close());
  await running.call("POST /topology", twoRacks);
  for (const [i, name] of HOSTS.entries())
    await running.call("POST /hosts", { name, ip: `192.168.0.${i + 1}`, tags: { rack: "a" } });
  return running;
}

test("without policies a node is told that there are none; the first one tells each its share, the last that goes, none", async (t) => {
  const running = await start(t);
  const { call } = running;
  await call("POST /address", { name: "db-1", host: "h1", tenant: "shop", segment: "db" });
  await call("POST /address", { name: "web-1", host: "h2", tenant: "shop", segment: "web" });
  const [one, two] = [followShare(running, "h1"), followShare(running, "h2")];
  assert.equal(one.mirror.policy, "none");
  await call("POST /policies", policy("db"));
  await eventually(() => assert.notEqual(one.mirror.policy, "none"));
  for (const [host, { mirror }] of [
    ["h1", one],
    ["h2", two],
  ] as const)
    await eventually(() => assert.deepEqual(mirror.policy, shareOf(running.daemon, host)));
  const shares = [one, two].map(({ mirror }) =>
    typeof mirror.policy === "object" ? mirror.policy : assert.fail(),
  );
  assert.deepEqual(
    shares.map(({ pods, sets }) => [[...pods.keys()], sets.size]),
    [
      [["db-1"], 1],
      [["web-1"], 0],
    ],
  );
  await call("DELETE /policies/db");
  for (const { mirror } of [one, two]) await eventually(() => assert.equal(mirror.policy, "none"));
});

test("a pod that comes is told to its node, and to nodes that have its set; it says nothing to others", async (t) => {
  const running = await start(t);
  const { call } = running;
  await call("POST /policies", policy("db"));
  await call("POST /address", { name: "db-1", host: "h1", tenant: "shop", segment: "db" });
  const nodes = HOSTS.map((host) => followShare(running, host));
  const isKnown = (): void => nodes.forEach(({ mirror }) => assert.equal(typeof mirror.policy, "object"));
  await eventually(isKnown);
  for (const { told } of nodes) told.length = 0;
  await call("POST /address", { name: "web-1", host: "h2", tenant: "shop", segment: "web" });
  await eventually(() =>
    assert.ok(nodes.slice(0, 2).every(({ told }) => told.some(({ type }) => type === "policy-change"))),
  );
  const types = nodes.map(({ told }) =>
    told.filter(({ type }) => type.startsWith("policy")).map(({ type }) => type),
  );
  assert.deepEqual(types, [["policy-change"], ["policy-change"], []]);
  for (const [i, host] of HOSTS.entries())
    assert.deepEqual(nodes[i]?.mirror.policy, shareOf(running.daemon, host));
});

const REPORT = "POST /hosts/h1/report";
const seen = { cluster: "another", revision: 7 };

test("a daemon that waits for reports does not say that there are no policies", async (t) => {
  const running = await startDaemon({ argv: ["--adoption-window", "1h"] });
  t.after(() => running.close());
  const { mirror } = followShare(running, "h1");
  await new Promise(setImmediate);
  assert.equal(mirror.policy, undefined);
  await running.call("POST /ipam/adopt", { force: true });
  await eventually(() => assert.equal(mirror.policy, "none"));
});

test("policies that were lost are not told until all are there anew; a node that had none is told that there are none", async (t) => {
  for (const policies of [true, false]) {
    const running = await startDaemon({ argv: ["--adoption-window", "10ms"] });
    t.after(() => running.close());
    const { call } = running;
    await call("POST /topology", twoRacks);
    await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
    await call(REPORT, { seen: { ...seen, policies }, endpoints: [] });
    await eventually(async () => assert.equal((await call("GET /ipam/adopt")).body["state"], "ready"));
    const { mirror } = followShare(running, "h1");
    if (policies) {
      await call("POST /policies", policy("db"));
      await running.daemon.shares.fill();
      running.daemon.hub.tellShares(10);
      assert.equal(mirror.policy, undefined);
      await call("POST /policies/kubernetes", { complete: true });
      await eventually(() => assert.deepEqual(mirror.policy, shareOf(running.daemon, "h1")));
    } else await eventually(() => assert.equal(mirror.policy, "none"));
  }
});

test("after any changes, with streams that were cut, every node has its share", async (t) => {
  const running = await start(t);
  for (const seed of [1, 2, 3]) {
    const rng = seededRng(seed);
    const nodes = new Map(HOSTS.map((host) => [host, followShare(running, host)]));
    for (let i = 0; i < 200; i++) {
      await change(running.call, rng);
      const host = HOSTS[Math.floor(rng() * 30)];
      const node = host === undefined ? undefined : nodes.get(host);
      if (host === undefined || !node) continue;
      node.leave();
      nodes.set(host, followShare(running, host, node.mirror));
    }
    for (const [host, { mirror, leave }] of nodes) {
      await eventually(() => assert.deepEqual(mirror.policy, shareOf(running.daemon, host)), {
        within: 10_000,
      });
      leave();
    }
  }
});
