// Reservations and blackouts through the API, by one daemon and by two on one store.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { storeWith } from "../../../../test/support/store-with.ts";
import { systemClock } from "../../../base/clock.ts";
import { createMemoryStore } from "../../../io/store/memory-store.ts";
import type { Store } from "../../../io/store/store.ts";

async function start(t: TestContext, store: Store = createMemoryStore({ clock: systemClock })) {
  const running = await startDaemon({
    store: storeWith(store, { close: async () => undefined }),
    argv: ["--new-cluster", "--adoption-window=0"],
  });
  t.after(() => running.close());
  return running;
}
async function prepared(t: TestContext, store?: Store) {
  const running = await start(t, store);
  await running.call("POST /topology", twoRacks);
  for (const [name, rack] of [
    ["h1", "a"],
    ["h2", "a"],
    ["h3", "b"],
  ])
    await running.call("POST /hosts", { name, ip: `192.168.0.${name?.slice(1)}`, tags: { rack } });
  return running;
}

test("a pod's address waits for it, while it is gone and wherever in its group it comes back", async (t) => {
  const { call } = await prepared(t);
  const made = await call("POST /reservations", {
    cidr: "10.0.0.9",
    holder: "shop/web-0",
    reason: "firewall",
  });
  const shown = {
    cidr: "10.0.0.9/32",
    holder: "shop/web-0",
    reason: "firewall",
    network: "v4",
    group: "rack-a",
  };
  assert.deepEqual([made.status, made.body], [200, { ...shown, in_use: [], blocks: [] }]);
  assert.deepEqual((await call("GET /reservations")).body["reservations"], [shown]);
  const ask = (name: string, host: string, pod?: string) =>
    call("POST /address", { name, host, tenant: "shop", ...(pod !== undefined && { pod }) });
  assert.equal((await ask("c1", "h1", "shop/web-0")).body["ip"], "10.0.0.9");
  for (let i = 0; i < 20; i++) assert.notEqual((await ask(`p${i}`, "h1")).body["ip"], "10.0.0.9");
  assert.equal((await ask("c2", "h2", "shop/web-0")).body["code"], "IP_TAKEN");
  await call("DELETE /address?addressName=c1");
  const { body } = await ask("c2", "h2", "shop/web-0");
  assert.equal(body["ip"], "10.0.0.9");
  const { blocks } = (await call("GET /blocks")).body as { blocks: { cidr: string; host: string }[] };
  assert.equal(blocks.find(({ cidr }) => cidr === "10.0.0.9/32")?.host, "h2");
  const away = await ask("c3", "h3", "shop/web-0");
  assert.match(
    String(away.body["details"]),
    /host: "h3": expected a host of group rack-a and a tenant of network v4: 10\.0\.0\.9 is reserved for c3/,
  );
  await call("DELETE /reservations?cidr=10.0.0.9");
  assert.deepEqual((await call("GET /reservations")).body["reservations"], []);
});

test("a reservation over live addresses says who is inside and which blocks are in the way", async (t) => {
  const { call } = await prepared(t);
  for (const name of ["a", "b"]) await call("POST /address", { name, host: "h1", tenant: "shop" });
  const { body } = await call("POST /reservations", { cidr: "10.0.0.0/30" });
  assert.deepEqual([body["in_use"], body["blocks"]], [["a", "b"], ["10.0.0.0/29"]]);
});

/** A store whose watch says nothing until it is told to. */
function mutedWatch(store: Store) {
  const gate = Promise.withResolvers<void>();
  let isMuted = false;
  const watching = storeWith(store, {
    close: async () => undefined,
    async *watch(prefix, options) {
      for await (const message of store.watch(prefix, options)) {
        if (isMuted) await gate.promise;
        yield message;
      }
    },
  });
  return { watching, mute: () => (isMuted = true), unmute: () => gate.resolve() };
}

for (const what of ["blackouts", "reservations"])
  test(`${what}: who was given an address by another daemon a moment before is told, too`, async (t) => {
    const store = createMemoryStore({ clock: systemClock });
    const first = await prepared(t, store);
    const { watching, mute, unmute } = mutedWatch(store);
    const second = await start(t, watching);
    await eventually(() => assert.equal(second.daemon.mirror.state.hosts.size, 3));
    mute();
    const names = Array.from({ length: 40 }, (_, i) => `p${i}`);
    for (const name of names) await first.call("POST /address", { name, host: "h1", tenant: "shop" });
    const adding = second.call(`POST /${what}`, { cidr: "10.0.0.0/16" });
    await eventually(() => assert.ok(second.daemon.mirror.written > 0));
    unmute();
    assert.deepEqual(((await adding).body["in_use"] as string[]).sort(), names.sort());
  });

test("a daemon that ends a reservation gives nothing over what others gave inside just before", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const first = await prepared(t, store);
  await first.call("POST /reservations", { cidr: "10.0.0.0/24" });
  const { watching, mute, unmute } = mutedWatch(store);
  const second = await start(t, watching);
  await eventually(() => assert.equal(second.daemon.mirror.state.reservations.size, 1));
  mute();
  const wanted = { name: "wanted", host: "h1", tenant: "shop", ips: ["10.0.0.3"] };
  assert.equal((await first.call("POST /address", wanted)).status, 200);
  // Both in one turn: they would share a transaction.
  const ending = second.call("DELETE /reservations?cidr=10.0.0.0/24");
  const free = second.call("POST /address", { name: "free", host: "h2", tenant: "bank" });
  await eventually(() => assert.ok(second.daemon.mirror.written > 0));
  unmute();
  assert.equal((await ending).status, 200);
  assert.deepEqual((await free).body["blocks"], ["10.0.0.8/29", "fd00::8/125"]);
});
