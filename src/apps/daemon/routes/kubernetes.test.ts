// What the listener tells: put again all is as it was, and nodes hear what it means.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { followShare } from "../../../../test/support/follow-share.ts";

async function start(t: TestContext) {
  const running = await startDaemon();
  t.after(() => running.close());
  const { call } = running;
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  return running;
}
const networkPolicy = (policyTypes: string[], more: object = {}) => ({
  metadata: { namespace: "shop", name: "db.main" },
  spec: { podSelector: { matchLabels: { app: "db" } }, policyTypes, ...more },
});

test("pods and tenants are put and removed in lists; put again they are unchanged, in whatever order their labels stand", async (t) => {
  const { call } = await start(t);
  const ports = [{ name: "sql", protocol: "tcp", port: 5432 }];
  const pods = Array.from({ length: 300 }, (_, i) => ({
    id: `shop/p${1000 + i}`,
    host: "h1",
    labels: { a: "1", b: "2" },
    ports,
  }));
  const none = { added: 0, changed: 0, unchanged: 0, removed: 0 };
  assert.deepEqual((await call("POST /pods", { put: pods })).body, { ...none, added: 300 });
  const again = pods.map((pod, i) => ({ ...pod, labels: i === 0 ? { b: "2", a: "2" } : { b: "2", a: "1" } }));
  assert.deepEqual((await call("POST /pods", { put: again })).body, { ...none, changed: 1, unchanged: 299 });
  const gone = { delete: ["shop/p1000", "shop/never"], put: [{ id: "bank/x", host: "h2" }] };
  assert.deepEqual((await call("POST /pods", gone)).body, { ...none, added: 1, removed: 1, unchanged: 1 });
  assert.deepEqual((await call("GET /pods?tenant=bank")).body["pods"], [
    { id: "bank/x", host: "h2", labels: {}, ports: [] },
  ]);
  assert.equal(((await call("GET /pods")).body["pods"] as unknown[]).length, 300);
  const tenants = { put: [{ id: "shop", labels: { team: "x" } }, { id: "bank" }] };
  assert.deepEqual((await call("POST /tenants", tenants)).body, { ...none, added: 2 });
  assert.deepEqual((await call("POST /tenants", { ...tenants, delete: ["other"] })).body, {
    ...none,
    unchanged: 3,
  });
});

const faulty: [string, string, object, RegExp][] = [
  [
    "a pod without a namespace",
    "/pods",
    { put: [{ id: "web", host: "h1" }] },
    /body\.put\[0\]\.id: "web": expected "namespace\/name"/,
  ],
  ["a pod without a host", "/pods", { put: [{ id: "shop/web" }] }, /body\.put\[0\]\.host/],
  [
    "a port above all",
    "/pods",
    { put: [{ id: "shop/web", host: "h1", ports: [{ name: "x", protocol: "tcp", port: 65536 }] }] },
    /ports\[0\]\.port: 65536/,
  ],
  [
    "a protocol that is none",
    "/pods",
    { put: [{ id: "shop/web", host: "h1", ports: [{ name: "x", protocol: "TCP", port: 1 }] }] },
    /protocol: "TCP"/,
  ],
  ["a label that is no text", "/tenants", { put: [{ id: "shop", labels: { a: 1 } }] }, /labels\.a: 1/],
  [
    "a thing put and removed at once",
    "/tenants",
    { put: [{ id: "shop" }], delete: ["shop"] },
    /body: "tenants\/shop": expected each thing once/,
  ],
  ["a removal by nothing", "/policies/kubernetes", { delete: ["web"] }, /delete\[0\]: "web"/],
];
for (const [name, route, body, expected] of faulty)
  test(`${name} is refused, with its place and value`, async (t) => {
    const { call } = await start(t);
    const reply = await call(`POST ${route}`, body);
    assert.equal(reply.status, 400);
    assert.match(String(reply.body["details"]), expected);
  });

test("an object is one policy for each direction that it isolates, and takes away what it no longer says", async (t) => {
  const { call } = await start(t);
  const put = async (object: object) => (await call("POST /policies/kubernetes", { put: [object] })).body;
  const [ingress, egress] = ["kube.shop.db.main.ingress", "kube.shop.db.main.egress"];
  const added = [
    { id: ingress, change: "added" },
    { id: egress, change: "added" },
  ];
  assert.deepEqual(await put(networkPolicy(["Ingress", "Egress"])), { policies: added, faults: [] });
  const less = [
    { id: ingress, change: "unchanged" },
    { id: egress, change: "removed" },
  ];
  assert.deepEqual(await put(networkPolicy(["Ingress"])), { policies: less, faults: [] });
  assert.equal((await call(`GET /policies/${ingress}`)).body["description"], "NetworkPolicy shop/db.main");
  const gone = await call("POST /policies/kubernetes", { delete: ["shop/db.main", "shop/never"] });
  assert.deepEqual(gone.body, { policies: [{ id: ingress, change: "removed" }], faults: [] });
});

test("what an object says that nobody understands is told and allows nothing; the others are put", async (t) => {
  const { call } = await start(t);
  const odd = networkPolicy(["Ingress"], { ingress: [{ from: [{ serviceSelector: {} }] }] });
  const { body } = await call("POST /policies/kubernetes", { put: [odd, { spec: {} }] });
  assert.deepEqual(body["policies"], [{ id: "kube.shop.db.main.ingress", change: "added" }]);
  const faults = body["faults"] as { object: string; field: string }[];
  assert.deepEqual(faults[0], {
    ...{ object: "shop/db.main", code: "FIELD_UNKNOWN", field: "spec.ingress[0].from[0].serviceSelector" },
    expected: "one of podSelector, namespaceSelector, ipBlock",
  });
  assert.deepEqual(
    faults.slice(2).map(({ object, field }) => [object, field]),
    [
      ["undefined/undefined", "metadata.name"],
      ["undefined/undefined", "metadata.namespace"],
    ],
  );
  const policy = (await call("GET /policies/kube.shop.db.main.ingress")).body;
  assert.deepEqual(policy["ingress"], []);
});

test("a pod whose address is there before it was told of is on its node only when it is", async (t) => {
  const running = await start(t);
  const { call } = running;
  await call("POST /tenants", { put: [{ id: "shop" }] });
  await call("POST /policies/kubernetes", { put: [networkPolicy(["Ingress"])] });
  const node = followShare(running, "h1");
  await eventually(() => assert.equal(typeof node.policy(), "object"));
  const asked = { name: "k8s/abc/eth0", host: "h1", tenant: "shop", pod: "shop/db-0" };
  const { body } = await call("POST /address", asked);
  await call("POST /address", { name: "by-hand", host: "h1", tenant: "shop" });
  await eventually(() => assert.deepEqual(node.pods(), { "by-hand": undefined }));
  await call("POST /pods", { put: [{ id: "shop/db-0", host: "h1", labels: { app: "db" } }] });
  await eventually(() => assert.equal(node.pods()["shop/db-0"]?.length, 1));
  const share = node.policy();
  const ips = typeof share === "object" ? share.pods.get("shop/db-0")?.ips.length : 0;
  assert.equal(ips, (body["ips"] as string[]).length);
  await call("DELETE /address?addressName=k8s/abc/eth0");
  await call("POST /pods", { delete: ["shop/db-0"] });
  await eventually(() => assert.deepEqual(node.pods(), { "by-hand": undefined }));
});
