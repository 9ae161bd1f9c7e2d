// Policies at the API: by id, whichever daemon is asked, and what cannot be read stands in nobody's way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { storeWith } from "../../../../test/support/store-with.ts";
import { systemClock } from "../../../base/clock.ts";
import { policyKey } from "../../../core/model/keys.ts";
import { createMemoryStore } from "../../../io/store/memory-store.ts";

const shop = (id: string, port = 80) => ({
  id,
  direction: "ingress",
  applied_to: [{ tenant_id: "shop" }],
  ingress: [{ peers: [{ peer: "any" }], rules: [{ protocol: "tcp", ports: [port] }] }],
});

test("a policy is added, unchanged, changed, shown and removed, by its id", async (t) => {
  const running = await startDaemon();
  const { call } = running;
  t.after(() => running.close());
  const put = async (body: unknown) => (await call("POST /policies", body)).body["policies"];
  assert.deepEqual(await put(shop("web")), [{ id: "web", change: "added" }]);
  assert.deepEqual(await put([shop("web"), shop("db")]), [
    { id: "web", change: "unchanged" },
    { id: "db", change: "added" },
  ]);
  assert.deepEqual(await put(shop("web", 443)), [{ id: "web", change: "changed" }]);
  assert.deepEqual((await call("GET /policies/web")).body, shop("web", 443));
  assert.deepEqual((await call("GET /policies")).body, [shop("db"), shop("web", 443)]);
  assert.deepEqual((await call("DELETE /policies", { id: "db" })).body, { id: "db", change: "removed" });
  assert.deepEqual((await call("DELETE /policies/web")).body, { id: "web", change: "removed" });
  assert.deepEqual((await call("GET /policies")).body, []);
  for (const route of ["GET /policies/web", "DELETE /policies/web"]) {
    const { status, body } = await call(route);
    assert.deepEqual([status, body["code"], body["resource_id"]], [404, "POLICY_UNKNOWN", "web"]);
  }
});

test("what was listed can be posted, and the older envelope too", async (t) => {
  const running = await startDaemon();
  const { call } = running;
  t.after(() => running.close());
  const old = { name: "old", tenant: "shop", peers: [{ peer: "any" }], rules: [{ protocol: "any" }] };
  await call("POST /policies", { securitypolicies: [old] });
  const listed = (await call("GET /policies")).body;
  const again = await call("POST /policies", listed);
  assert.deepEqual(again.body["policies"], [{ id: "old", change: "unchanged" }]);
});

test("a document of more policies than a transaction takes is put whole", async (t) => {
  const running = await startDaemon();
  const { call } = running;
  t.after(() => running.close());
  const many = Array.from({ length: 450 }, (_, i) => shop(`p${1000 + i}`));
  const { body } = await call("POST /policies", many);
  assert.equal((body["policies"] as unknown[]).length, 450);
  assert.deepEqual((await call("GET /policies")).body, many);
});

test("a document with a fault changes nothing; the ids of Kubernetes' policies are not for others", async (t) => {
  const running = await startDaemon();
  const { call } = running;
  t.after(() => running.close());
  const faulty = await call("POST /policies", [shop("good"), shop("bad", 65536)]);
  assert.equal(faulty.status, 400);
  assert.match(
    String(faulty.body["details"]),
    /^\[1\]\.ingress\[0\]\.rules\[0\]\.ports\[0\]: 65536: expected a port/,
  );
  const foreign = await call("POST /policies", [shop("good"), shop("kube.shop.web.ingress")]);
  assert.match(
    String(foreign.body["details"]),
    /^id: "kube\.shop\.web\.ingress": expected an id that does not/,
  );
  assert.deepEqual((await call("GET /policies")).body, []);
});

test("another daemon on the store shows what was put at the first", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const shared = storeWith(store, { close: async () => undefined });
  const [one, other] = [await startDaemon({ store: shared }), await startDaemon({ store: shared })];
  t.after(() => Promise.all([one.close(), other.close()]));
  await one.call("POST /policies", [shop("a"), shop("b")]);
  await eventually(async () =>
    assert.deepEqual((await other.call("GET /policies")).body, [shop("a"), shop("b")]),
  );
  const twice = await Promise.all([
    one.call("POST /policies", shop("c")),
    other.call("POST /policies", shop("c")),
  ]);
  const changes = twice.map(({ body }) => (body["policies"] as { change: string }[])[0]?.change);
  assert.deepEqual(changes.sort(), ["added", "unchanged"]);
  await other.call("DELETE /policies/a");
  await eventually(async () =>
    assert.deepEqual((await one.call("GET /policies")).body, [shop("b"), shop("c")]),
  );
});

test("a policy that nobody can read is named, the others work, and it can be replaced or removed", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const later = JSON.stringify({ ...shop("later"), tier: "admin" });
  await store.txn(
    [],
    [
      { kind: "put", key: policyKey("later"), value: later },
      { kind: "put", key: policyKey("broken"), value: "{" },
      { kind: "put", key: policyKey("fine"), value: JSON.stringify(shop("fine")) },
    ],
  );
  const running = await startDaemon({ store });
  const { call } = running;
  t.after(() => running.close());
  const named = async () =>
    ((await call("GET /readyz")).body as { parts: Record<string, string> }).parts["records"];
  assert.equal(await named(), `garbage: ${policyKey("broken")}, ${policyKey("later")}`);
  assert.deepEqual((await call("GET /policies")).body, [shop("fine")]);
  assert.equal((await call("DELETE /policies/broken")).status, 200);
  assert.deepEqual((await call("POST /policies", shop("later"))).body["policies"], [
    { id: "later", change: "added" },
  ]);
  await eventually(async () => assert.equal(await named(), "ok"));
  assert.deepEqual((await call("GET /policies")).body, [shop("fine"), shop("later")]);
});
