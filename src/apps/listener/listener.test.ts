// The whole listener: nodes become hosts, whatever happens meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { hosts, putNode, setUp } from "./testdata/listener-bed.ts";

const NODES = "/api/v1/nodes";

test("nodes that are there, come, change and go are the daemon's hosts, each in the group of its labels", async (t) => {
  const { kube, start, know } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  await start();
  await know({ a: "192.168.0.1 rack-a" });
  putNode(kube, "b", "192.168.0.2", { rack: "b" });
  await know({ a: "192.168.0.1 rack-a", b: "192.168.0.2 rack-b" });
  putNode(kube, "b", "192.168.0.3", { rack: "a" });
  await know({ a: "192.168.0.1 rack-a", b: "192.168.0.3 rack-a" });
  kube.remove(NODES, "a");
  await know({ b: "192.168.0.3 rack-a" });
});

test("a listener that was away finds what it missed, and leaves what others made", async (t) => {
  const { kube, call, start, know } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  putNode(kube, "b", "192.168.0.2", { rack: "b" });
  await call("POST /hosts", { name: "by-hand", ip: "192.168.0.9", tags: { rack: "a" } });
  const first = await start();
  await eventually(async () => assert.equal(Object.keys(await hosts(call)).length, 3));
  await first.close();
  kube.remove(NODES, "a");
  putNode(kube, "c", "192.168.0.1", { rack: "b" });
  await start();
  const others = { "by-hand": "192.168.0.9 rack-a", b: "192.168.0.2 rack-b" };
  await know({ ...others, c: "192.168.0.1 rack-b" });
});

test("a node that was renamed gets the address that its old name had", async (t) => {
  const { kube, start, know } = await setUp(t);
  putNode(kube, "old", "192.168.0.1", { rack: "a" });
  await start();
  await know({ old: "192.168.0.1 rack-a" });
  putNode(kube, "new", "192.168.0.1", { rack: "a" });
  kube.remove(NODES, "old");
  await know({ new: "192.168.0.1 rack-a" });
});

test("an address that moves from one node to another", async (t) => {
  const { kube, start, know } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  putNode(kube, "b", "192.168.0.2", { rack: "a" });
  const first = await start();
  await know({ a: "192.168.0.1 rack-a", b: "192.168.0.2 rack-a" });
  await first.close();
  putNode(kube, "b", "192.168.0.3", { rack: "a" });
  putNode(kube, "a", "192.168.0.2", { rack: "a" });
  await start();
  await know({ a: "192.168.0.2 rack-a", b: "192.168.0.3 rack-a" });
});

test("a renamed node whose old name is still there waits for the address, and two with one address do not disturb others", async (t) => {
  const { kube, start, know } = await setUp(t);
  putNode(kube, "old", "192.168.0.1", { rack: "a" });
  await start();
  await know({ old: "192.168.0.1 rack-a" });
  putNode(kube, "renamed", "192.168.0.1", { rack: "a" });
  putNode(kube, "other", "192.168.0.2", { rack: "b" });
  await know({ old: "192.168.0.1 rack-a", other: "192.168.0.2 rack-b" });
  kube.remove(NODES, "old");
  await know({ renamed: "192.168.0.1 rack-a", other: "192.168.0.2 rack-b" });
});

test("a node that loses its addresses, or gets labels that are none, keeps its host", async (t) => {
  const { kube, start, know } = await setUp(t);
  for (const name of ["a", "b"]) putNode(kube, name, `192.168.0.${name === "a" ? 1 : 2}`, { rack: name });
  await start();
  await know({ a: "192.168.0.1 rack-a", b: "192.168.0.2 rack-b" });
  kube.put(NODES, { metadata: { name: "a", labels: { rack: "a" } }, status: { addresses: [] } });
  putNode(kube, "b", "192.168.0.2", { rack: "b", "no/such/key": "x", row: "a b" });
  putNode(kube, "c", "192.168.0.3", { rack: "a" });
  await know({ a: "192.168.0.1 rack-a", b: "192.168.0.2 rack-b", c: "192.168.0.3 rack-a" });
});

test("a node whose labels name no group any more is in none, and told of; one with pods keeps its group as long as it has them", async (t) => {
  const { kube, call, start, know } = await setUp(t);
  putNode(kube, "empty", "192.168.0.1", { rack: "a" });
  putNode(kube, "used", "192.168.0.2", { rack: "a" });
  await start();
  await know({ empty: "192.168.0.1 rack-a", used: "192.168.0.2 rack-a" });
  await call("POST /address", { name: "p", host: "used", tenant: "t" });
  for (const [name, ip] of [
    ["empty", "192.168.0.1"],
    ["used", "192.168.0.2"],
  ] as const)
    putNode(kube, name, ip, { rack: "gone" });
  await know({ empty: "192.168.0.1 null", used: "192.168.0.2 rack-a" });
  await eventually(() => {
    const events = kube.all("/api/v1/events") as unknown as {
      reason: string;
      involvedObject: { name: string };
    }[];
    assert.deepEqual(
      events.map(({ reason, involvedObject: { name } }) => `${name} ${reason}`),
      ["empty NoGroup"],
    );
  });
  const { status } = await call("POST /address", { name: "q", host: "used", tenant: "t" });
  assert.equal(status, 200);
});
