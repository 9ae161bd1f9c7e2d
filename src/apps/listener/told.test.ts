// What the listener writes in Kubernetes: events on what an operator must know of, and a condition. And that one of two does it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { type FakeKube, startFakeKube } from "../../../test/support/fake-kube.ts";
import { silentLog } from "../../base/log.ts";
import { createKubeClient } from "../../io/kube/kube-client.ts";
import { putNode, setUp } from "./testdata/listener-bed.ts";
import { createTeller, type ObjectFault } from "./tell-events.ts";

const EVENTS = "/api/v1/events";
const NODES = "/api/v1/nodes";
const LEASES = "/apis/coordination.k8s.io/v1/leases";

const putAgent = (kube: FakeKube, nodeName: string, ready: string): void =>
  kube.put("/api/v1/pods", {
    metadata: {
      ...{ name: `agent-${nodeName}`, namespace: "default" },
      labels: { "app.kubernetes.io/name": "romana", "app.kubernetes.io/component": "agent" },
    },
    spec: { nodeName },
    status: { conditions: [{ type: "Ready", status: ready }] },
  });

const told = (kube: { all(path: string): readonly object[] }): string[] =>
  kube.all(EVENTS).map((event) => {
    const { involvedObject: of, reason } = event as {
      involvedObject: { kind: string; name: string };
      reason: string;
    };
    return `${of.kind} ${of.name} ${reason}`;
  });

test("a node in no group, and one whose name another host has, are told of on the node", async (t) => {
  const { kube, call, start } = await setUp(t);
  await call("POST /hosts", { name: "taken", ip: "192.168.0.9", tags: { rack: "a" } });
  putNode(kube, "lost", "192.168.0.1", { rack: "none" });
  putNode(kube, "taken", "192.168.0.2", { rack: "a" });
  await start();
  await eventually(() =>
    assert.deepEqual(told(kube).sort(), ["Node lost NoGroup", "Node taken ForeignHost"]),
  );
});

test("a node without an address of a family in which its pods get some is told of", async (t) => {
  const { kube, start, know } = await setUp(t);
  const addresses = [{ type: "InternalIP", address: "192.168.0.1" }];
  kube.put(NODES, { metadata: { name: "old", labels: { rack: "a" } }, status: { addresses } });
  putNode(kube, "new", "192.168.0.2", { rack: "a" });
  await start();
  await know({ old: "192.168.0.1 rack-a", new: "192.168.0.2 rack-a" });
  await eventually(() => assert.deepEqual(told(kube), ["Node old NoAddress"]));
  const [event] = kube.all(EVENTS) as unknown as { message: string }[];
  assert.match(event?.message ?? "", /no IPv6 address .* network v6 \(fd00::\/64\)/);
});

test("a full group is told on the nodes that are in it, and a node's address among those of pods on the node", async (t) => {
  const { kube, call, start, know } = await setUp(t);
  const map = [{ name: "tiny", assignment: {}, groups: [] }];
  await call("POST /topology", {
    networks: [{ name: "tiny", cidr: "10.9.0.0/31", block_mask: 32 }],
    topologies: [{ networks: ["tiny"], map }],
  });
  putNode(kube, "a", "192.168.0.1");
  putNode(kube, "inside", "10.9.0.1");
  await start();
  await know({ a: "192.168.0.1 tiny", inside: "10.9.0.1 tiny" });
  await eventually(() => assert.deepEqual(told(kube), ["Node inside Overlap"]));
  for (const name of ["p1", "p2"]) await call("POST /address", { name, host: "a", tenant: "t" });
  const full = ["Node a GroupFull", "Node inside GroupFull", "Node inside Overlap"];
  await eventually(() => assert.deepEqual(told(kube).sort(), full));
});

const fault = (name: string, message = "m"): ObjectFault => ({
  object: { apiVersion: "v1", kind: "Node", namespace: "", name },
  ...{ reason: "NoGroup", message },
});

test("an event is written once, again when it is another or was gone, and again after most of an hour", async (t) => {
  const kube = await startFakeKube();
  const client = createKubeClient(kube.access);
  t.after(() => {
    client.close();
    kube.close();
  });
  const clock = createFakeClock();
  const tell = createTeller({ client, clock, log: silentLog, identity: "i" });
  const count = (): number => kube.all(EVENTS).length;
  await tell([fault("a"), fault("b")]);
  await tell([fault("a"), fault("b")]);
  assert.equal(count(), 2);
  await tell([fault("a", "other"), fault("b")]);
  assert.equal(count(), 3);
  await tell([]);
  await tell([fault("b")]);
  assert.equal(count(), 4);
  await clock.advance(3_000_000);
  await tell([fault("b")]);
  assert.equal(count(), 5);
  await tell(Array.from({ length: 120 }, (_, i) => fault(`n${i}`)));
  assert.equal(count(), 55);
});

test("an event that may not be written fails by name, and is written as soon as it may be, beside the others", async (t) => {
  const kube = await startFakeKube();
  const client = createKubeClient(kube.access);
  t.after(() => {
    client.close();
    kube.close();
  });
  const tell = createTeller({ client, clock: createFakeClock(), log: silentLog, identity: "i" });
  const faults = [fault("a"), fault("b")];
  let refused = 1;
  kube.refuse(() =>
    refused-- > 0 ? { status: 403, message: 'cannot create resource "events"' } : undefined,
  );
  await assert.rejects(tell(faults), /cannot create resource "events"/);
  assert.equal(kube.all(EVENTS).length, 1);
  await tell(faults);
  assert.equal(kube.all(EVENTS).length, 2);
});

test("a node's network is available when the agent there is ready, and stays so", async (t) => {
  const { kube, start } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  const agent = (ready: string): void => putAgent(kube, "a", ready);
  const patched = (): string[] => kube.asked.filter((line) => line.startsWith("PATCH"));
  agent("False");
  await start();
  await eventually(() => assert.equal(kube.watchers, 5));
  assert.deepEqual(patched(), []);
  agent("True");
  await eventually(() => assert.deepEqual(patched(), [`PATCH ${NODES}/a/status`]));
  const { status } = kube.get(NODES, "a") as { status?: { conditions?: { type: string; status: string }[] } };
  assert.deepEqual(
    status?.conditions?.map((each) => `${each.type} ${each.status}`),
    ["Ready True", "NetworkUnavailable False"],
  );
  agent("False");
  agent("True");
  putNode(kube, "b", "192.168.0.2", { rack: "a" });
  await eventually(() => assert.equal(kube.get(NODES, "b")?.metadata.name, "b"));
  assert.equal(patched().length, 1);
});

test("of two listeners one tells the daemon, and the other goes on when it stops", async (t) => {
  const { kube, start, know, call } = await setUp(t);
  putNode(kube, "a", "192.168.0.1", { rack: "a" });
  const first = await start();
  await know({ a: "192.168.0.1 rack-a" });
  await start();
  await call("DELETE /hosts/a");
  await first.close();
  await know({ a: "192.168.0.1 rack-a" });
});

/** Each verb of the listener's roles: how the API server sees it asked for. */
const verbs: readonly (readonly [verb: string, resource: string, method: string, path: RegExp])[] = [
  ["list", "nodes", "GET", /\/nodes$/],
  ["watch", "nodes", "WATCH", /\/nodes$/],
  ["list", "pods", "GET", /\/v1\/pods$/],
  ["watch", "pods", "WATCH", /\/namespaces\/default\/pods$/],
  ["list", "namespaces", "GET", /\/v1\/namespaces$/],
  ["watch", "networkpolicies", "WATCH", /\/networkpolicies$/],
  ["get", "leases", "GET", /\/leases\/romana-listener$/],
  ["create", "leases", "POST", /\/leases$/],
  ["update", "leases", "PUT", /\/leases\/romana-listener$/],
  ["create", "events", "POST", /\/events$/],
  ["patch", "nodes/status", "PATCH", /\/status$/],
];
for (const [verb, resource, method, path] of verbs)
  test(`a role without ${verb} of ${resource}: told by name, and not ready until it has it`, async (t) => {
    const { kube, start, ready } = await setUp(t);
    putNode(kube, "a", "192.168.0.1", { rack: "none" });
    putAgent(kube, "a", "True");
    if (method === "PUT") kube.put(LEASES, { metadata: { name: "romana-listener", namespace: "default" } });
    const message = `is forbidden: User "system:serviceaccount:romana:listener" cannot ${verb} resource "${resource}"`;
    kube.refuse((asked, at) => (asked === method && path.test(at) ? { status: 403, message } : undefined));
    await start();
    const told = new RegExp(`503.*cannot ${verb} resource .*${resource}`);
    await eventually(async () => assert.match(JSON.stringify(await ready()), told));
    kube.refuse(() => undefined);
    await eventually(async () => assert.equal((await ready()).status, 200), { within: 20_000 });
  });
