// Three daemons on a real etcd: whichever is told of a policy, and whichever a node follows, the node gets its share.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openTestStore } from "../../../../test/store/etcd.ts";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { type EtcdCluster, startEtcd } from "../../../../test/support/etcd.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { followShare } from "../../../../test/support/follow-share.ts";
import { seededRng } from "../../../base/clock.ts";
import { change, HOSTS, policy, shareOf } from "./testdata/policy-world.ts";

type Running = Awaited<ReturnType<typeof startDaemon>>;
const WITHIN = { within: 30_000 };
let etcd: EtcdCluster;
const replicas: Running[] = [];
const at = (i: number): Running => replicas[i] ?? assert.fail();

before(async () => {
  etcd = await startEtcd();
  for (let i = 0; i < 3; i++) replicas.push(await startDaemon({ store: await openTestStore(etcd.urls) }));
  await at(0).call("POST /topology", twoRacks);
  for (const [i, name] of HOSTS.entries())
    await at(i).call("POST /hosts", { name, ip: `192.168.0.${i + 1}`, tags: { rack: "a" } });
});
after(async () => {
  for (const replica of replicas) await replica.close();
  await etcd.dispose();
});

test("a policy that one daemon is told is told to nodes that follow the others; put again elsewhere it is the same", async () => {
  await at(0).call("POST /address", { name: "db-1", host: "h1", tenant: "shop", segment: "db" });
  const nodes = replicas.map((replica) => followShare(replica, "h1"));
  for (const { mirror } of nodes) await eventually(() => assert.equal(mirror.policy, "none"), WITHIN);
  assert.equal((await at(1).call("POST /policies", policy("db"))).status, 200);
  for (const node of nodes) await eventually(() => assert.equal(node.pods()["db-1"]?.length, 1), WITHIN);
  const again = await at(2).call("POST /policies", policy("db"));
  assert.deepEqual(again.body, { policies: [{ id: "db", change: "unchanged" }] });
  assert.equal((await at(2).call("DELETE /policies/db")).status, 200);
  for (const { mirror } of nodes) await eventually(() => assert.equal(mirror.policy, "none"), WITHIN);
  assert.equal((await at(0).call("DELETE /policies/db")).status, 404);
  for (const { leave } of nodes) leave();
});

test("two daemons that are told of one policy at once agree on one of both", async () => {
  const both = [policy("both"), policy("both", { direction: "egress" })];
  const replies = await Promise.all(both.map((each, i) => at(i).call("POST /policies", each)));
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200],
  );
  await eventually(async () => {
    const told = await Promise.all(replicas.map(({ call }) => call("GET /policies/both")));
    assert.equal(new Set(told.map(({ body }) => JSON.stringify(body))).size, 1);
    assert.ok(["ingress", "egress"].includes(String(told[0]?.body["direction"])));
  }, WITHIN);
  await at(2).call("DELETE /policies/both");
});

test("after any changes at any daemon every node has its share, though it went from one daemon to another", async () => {
  const rng = seededRng(7);
  const any = (): Running => at(Math.floor(rng() * 3));
  const follow = (host: string, before?: ReturnType<typeof followShare>["mirror"]) => {
    const replica = any();
    return { replica, ...followShare(replica, host, before) };
  };
  const nodes = new Map(HOSTS.map((host) => [host, follow(host)]));
  for (let i = 0; i < 150; i++) {
    await change(any().call, rng);
    const host = HOSTS[Math.floor(rng() * 20)];
    const node = host === undefined ? undefined : nodes.get(host);
    if (host === undefined || !node) continue;
    node.leave();
    nodes.set(host, follow(host, node.mirror));
  }
  const newest = Math.max(...replicas.map(({ daemon }) => daemon.mirror.revision));
  for (const [host, { mirror, replica, leave }] of nodes) {
    await eventually(() => {
      assert.ok(replica.daemon.mirror.revision >= newest);
      assert.deepEqual(mirror.policy, shareOf(replica.daemon, host));
    }, WITHIN);
    leave();
  }
});

test("policies that one daemon hears are lost are told by none, until another hears that they are complete", async () => {
  const seen = { cluster: "another", revision: 7, policies: true };
  await at(0).call("POST /policies", policy("db"));
  await at(0).call("POST /hosts/h1/report", { seen, endpoints: [] });
  for (const { call } of replicas)
    await eventually(
      async () => assert.equal((await call("GET /ipam/adopt")).body["policies"], "lost"),
      WITHIN,
    );
  const nodes = replicas.map((replica) => followShare(replica, "h1"));
  for (const name of HOSTS.slice(1)) await at(1).call(`POST /hosts/${name}/report`, { endpoints: [] });
  for (const { call } of replicas)
    await eventually(
      async () => assert.equal((await call("GET /ipam/adopt")).body["state"], "ready"),
      WITHIN,
    );
  for (const { mirror } of nodes) assert.equal(mirror.policy, undefined);
  await at(2).call("POST /policies/kubernetes", { complete: true });
  for (const [i, { mirror }] of nodes.entries())
    await eventually(() => assert.deepEqual(mirror.policy, shareOf(at(i).daemon, "h1")), WITHIN);
});
