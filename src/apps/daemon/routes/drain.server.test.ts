// A network is drained, emptied and taken out while two daemons on a real etcd go on to hand out addresses.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Call, startDaemon } from "../../../../test/support/daemon.ts";
import { type EtcdCluster, startEtcd } from "../../../../test/support/etcd.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { openTestStore } from "../../../../test/store/etcd.ts";
import type { AddressReply } from "../../../core/api/types.ts";
import { decodeAddress } from "../../../core/model/codec.ts";
import { blackoutKey } from "../../../core/model/keys.ts";
import { parseCidr } from "../../../core/net/cidr.ts";
import type { Store } from "../../../io/store/store.ts";

let etcd: EtcdCluster;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd.dispose());

const old = { name: "old", cidr: "10.0.0.0/16" };
const young = { name: "young", cidr: "10.1.0.0/16" };
const topologyOf = (...networks: { name: string }[]) => ({
  networks,
  topologies: [{ networks: networks.map(({ name }) => name), map: [{ name: "all", groups: [] }] }],
});
const HOSTS = 10;

/** Asks and releases at both daemons until it is stopped; resolves with how many were asked for. */
async function load(calls: readonly Call[], stop: AbortSignal): Promise<number> {
  const ask = async (worker: number): Promise<number> => {
    let asked = 0;
    for (; !stop.aborted; asked++) {
      const [name, call] = [`w${worker}-${asked}`, calls[asked % calls.length] ?? assert.fail()];
      const reply = await call("POST /address", { name, host: `h${worker % HOSTS}`, tenant: "t" });
      // The daemons go for the same blocks: who lost too often is to ask again.
      assert.ok(reply.status === 200 || reply.body["code"] === "CONTENTION", JSON.stringify(reply.body));
      if (asked % 3 > 0) await call(`DELETE /address?addressName=${name}`);
    }
    return asked;
  };
  const counts = await Promise.all(Array.from({ length: 20 }, (_, worker) => ask(worker)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Names that got an address of the network after `revision`. */
async function givenAfter(store: Store, revision: number, network: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { entries } of store.snapshot("/romana/v3/addresses/"))
    for (const { key, value, createRevision } of entries) {
      const { name, ips } = decodeAddress(key, value);
      if (createRevision > revision && ips.some((each) => each.network === network)) names.push(name);
    }
  return names;
}

test("after a drain no allocation from the network is committed, and it goes once it is empty", async (t) => {
  const [store, other] = [await openTestStore(etcd.urls), await openTestStore(etcd.urls)];
  const argv = ["--adoption-window", "0"];
  const [one, two] = [await startDaemon({ argv, store }), await startDaemon({ argv, store: other })];
  t.after(() => Promise.all([one.close(), two.close()]));
  await one.call("POST /topology", topologyOf(old, young));
  for (let i = 0; i < HOSTS; i++) await one.call("POST /hosts", { name: `h${i}`, ip: `192.168.0.${i}` });
  await eventually(() => assert.equal(two.daemon.mirror.state.hosts.size, HOSTS));
  const stop = new AbortController();
  const loading = load([one.call, two.call], stop.signal);
  await eventually(() => assert.ok(one.daemon.mirror.state.addresses.size > 100), { within: 30_000 });

  const drained = await two.call("POST /networks/old/drain");
  assert.equal(drained.status, 200);
  assert.ok((drained.body["hosts"] as unknown[]).length > 0, "its progress names hosts");
  const { entry } = await store.get(blackoutKey(parseCidr(old.cidr)));
  const size = one.daemon.mirror.state.addresses.size;
  await eventually(() => assert.ok(one.daemon.mirror.state.addresses.size > size + 100, "others are given"));
  stop.abort();
  assert.ok((await loading) > 200);
  assert.deepEqual(await givenAfter(store, entry?.revision ?? 0, "old"), []);

  assert.equal((await one.call("POST /topology", topologyOf(young))).status, 409);
  const left = await one.call("GET /addresses?network=old");
  for (const { name } of left.body["addresses"] as AddressReply[])
    await two.call(`DELETE /address?addressName=${name}`);
  await eventually(async () =>
    assert.equal((await one.call("GET /networks/old/drain")).body["allocated_ip_count"], 0),
  );
  assert.equal((await one.call("POST /topology", topologyOf(young))).status, 200);
  const networks = (await one.call("GET /networks")).body as unknown as { name: string; drained: boolean }[];
  assert.deepEqual(
    networks.map(({ name, drained: is }) => [name, is]),
    [["young", false]],
  );
  assert.deepEqual((await one.call("GET /blackouts")).body["blackouts"], []);
});

test("a network is opened again, and what is not drained is not", async (t) => {
  const running = await startDaemon();
  t.after(() => running.close());
  const { call } = running;
  await call("POST /topology", topologyOf(old));
  assert.equal((await call("POST /networks/none/drain")).body["code"], "NETWORK_UNKNOWN");
  assert.equal((await call("DELETE /networks/old/drain")).body["code"], "DRAIN_UNKNOWN");
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1" });
  await call("POST /networks/old/drain");
  const ask = () => call("POST /address", { name: "a", host: "h1", tenant: "t" });
  assert.match(String((await ask()).body["details"]), /full: old:all \(drained\)/);
  assert.equal((await call("DELETE /networks/old/drain")).body["drained"], false);
  assert.equal((await ask()).status, 200);
});
