// Records that nobody can read: named, kept apart, mended where others say what they said; the rest works.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Call, startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { systemClock } from "../../base/clock.ts";
import { decodeAddress, decodeBlock } from "../../core/model/codec.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";
import type { Store } from "../../io/store/store.ts";

const PREFIX = "/romana/v3/";

/** A daemon on a store that outlives it, with a host in rack a. */
async function start(t: TestContext, store: Store) {
  const running = await startDaemon({
    store: storeWith(store, { close: async () => undefined }),
    argv: ["--new-cluster", "--adoption-window=0"],
  });
  t.after(() => running.close());
  return running;
}
const newStore = (): Store => createMemoryStore({ clock: systemClock });
async function prepare(call: Call): Promise<void> {
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
}
const allocate = async (call: Call, name: string, tenant = "t"): Promise<readonly string[]> => {
  const { status, body } = await call("POST /address", { name, host: "h1", tenant });
  assert.equal(status, 200, JSON.stringify(body));
  return body["ips"] as string[];
};
/** Keys without the prefix. */
const spoil = (store: Store, ...keys: string[]) =>
  store.txn(
    [],
    keys.map((key) => ({ kind: "put", key: PREFIX + key, value: '{"slots":' })),
  );
const namedBy = async (call: Call): Promise<string> => {
  const { parts } = (await call("GET /readyz")).body as { parts: Record<string, string> };
  return parts["records"] ?? "";
};

test("while the daemon runs: it goes on with what it knew, and its next write takes the place of the garbage", async (t) => {
  const store = newStore();
  const { call } = await start(t, store);
  await prepare(call);
  await allocate(call, "a");
  await spoil(store, "blocks/10.0.0.0/29", "hosts/h1");
  await eventually(async () =>
    assert.equal(await namedBy(call), `garbage: ${PREFIX}blocks/10.0.0.0/29, ${PREFIX}hosts/h1`),
  );
  assert.equal((await call("GET /readyz")).status, 200);
  assert.deepEqual(await allocate(call, "b"), ["10.0.0.1", "fd00::1"]);
  const { entry } = await store.get(`${PREFIX}blocks/10.0.0.0/29`);
  assert.equal(decodeBlock(entry?.key ?? "", entry?.value ?? "").slots.length, 2);
  await eventually(async () => assert.equal(await namedBy(call), `garbage: ${PREFIX}hosts/h1`));
  await call("POST /hosts", { name: "h1", ip: "192.168.0.2" });
  await eventually(async () => assert.equal(await namedBy(call), "ok"));
});

test("at the start: blocks are made of their addresses, addresses of their blocks, and nothing is given twice", async (t) => {
  const store = newStore();
  const first = await start(t, store);
  await prepare(first.call);
  const given = new Map<string, readonly string[]>();
  for (let i = 0; i < 12; i++) given.set(`p${i}`, await allocate(first.call, `p${i}`));
  await spoil(store, "blocks/10.0.0.0/29", "addresses/p9", "guards/v4", "nonsense/x");
  const { call } = await start(t, store);
  assert.equal(await namedBy(call), `garbage: ${PREFIX}addresses/p9, ${PREFIX}blocks/10.0.0.0/29`);
  for (const [name, ips] of given) assert.deepEqual(await allocate(call, name), ips);
  const held = new Set([...given.values()].flat());
  for (let i = 0; i < 12; i++)
    for (const ip of await allocate(call, `new-${i}`)) assert.ok(!held.has(ip), ip);
  for (const name of ["p0", "p9"]) await call(`DELETE /address?addressName=${name}`);
  await allocate(call, "p9");
  const { entry } = await store.get(`${PREFIX}addresses/p9`);
  assert.equal(decodeAddress(entry?.key ?? "", entry?.value ?? "").name, "p9");
  await eventually(async () => assert.equal(await namedBy(call), "ok"));
});

test("what cannot be mended is kept from everybody, and a topology that is there is not put anew", async (t) => {
  const store = newStore();
  const first = await start(t, store);
  await prepare(first.call);
  await spoil(store, "blocks/10.0.0.0/29", "blackouts/10.0.0.8/29", "blocks/10.0.0.16%2F29");
  const { call } = await start(t, store);
  assert.equal((await allocate(call, "a"))[0], "10.0.0.16");
  assert.match(await namedBy(call), /blackouts.*blocks.*29.*blocks/);
  await store.txn([], [{ kind: "delete", key: `${PREFIX}blocks/10.0.0.0/29` }]);
  await eventually(async () => assert.doesNotMatch(await namedBy(call), /10\.0\.0\.0/));
  assert.equal((await allocate(call, "b", "other"))[0], "10.0.0.0");

  await spoil(store, "topology");
  const third = await start(t, store);
  assert.match(await namedBy(third.call), /topology/);
  assert.deepEqual(
    (await third.call("GET /addresses")).body["addresses"],
    (await call("GET /addresses")).body["addresses"],
  );
});

test("an unreadable reservation keeps its range from everybody, an unreadable limit gives its tenant nothing more", async (t) => {
  const store = newStore();
  const first = await start(t, store);
  await prepare(first.call);
  const held = await allocate(first.call, "held", "limited");
  await spoil(store, "reservations/10.0.0.8/29", "limits/limited");
  const { call } = await start(t, store);
  assert.equal(await namedBy(call), `garbage: ${PREFIX}limits/limited, ${PREFIX}reservations/10.0.0.8/29`);
  assert.equal((await allocate(call, "a"))[0], "10.0.0.16");
  const ask = (more: object) => call("POST /address", { name: "x", host: "h1", tenant: "t", ...more });
  assert.equal((await ask({ ips: ["10.0.0.9"] })).body["code"], "IP_RESERVED");
  assert.equal((await ask({ tenant: "limited" })).body["code"], "LIMIT_REACHED");
  assert.deepEqual(await allocate(call, "held", "limited"), held);
  await call("POST /limits", { tenant: "limited", limit: 10 });
  await call("POST /reservations", { cidr: "10.0.0.8/29" });
  assert.equal((await ask({ tenant: "limited" })).status, 200);
  assert.equal((await ask({ name: "y", ips: ["10.0.0.9"] })).status, 200);
  await eventually(async () => assert.equal(await namedBy(call), "ok"));
});
