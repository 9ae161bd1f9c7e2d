// The mirror: equal to the store whatever the store does, and out of the way of allocations.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks, type Call } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { Milliseconds, seededRng, systemClock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { leaderKey } from "../../core/model/keys.ts";
import type { AddressReply } from "../../core/api/types.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";
import type { Store, WatchMessage } from "../../io/store/store.ts";
import { Mirror } from "./mirror.ts";

type Running = Awaited<ReturnType<typeof startDaemon>>;

async function start(t: TestContext, store: Store): Promise<Running> {
  const running = await startDaemon({ store });
  t.after(() => running.close());
  return running;
}
async function prepare(call: Call): Promise<void> {
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h0", ip: "192.168.0.1", tags: { rack: "a" } });
}
const allocate = (call: Call, name: string) => call("POST /address", { name, host: "h0", tenant: "t" });
const down = (): never => {
  throw new UnavailableError({ code: "STORE_TIMEOUT" });
};

/** A store whose watches end when the test says how. */
function interruptible(store: Store) {
  let interrupt: (message?: WatchMessage | UnavailableError) => void = () => undefined;
  const wrapped = storeWith(store, {
    async *watch(prefix, { since, signal }) {
      const { promise, resolve } = Promise.withResolvers<WatchMessage | UnavailableError | undefined>();
      interrupt = resolve;
      const end = new AbortController();
      void promise.then(() => end.abort());
      yield* store.watch(prefix, { since, signal: AbortSignal.any([signal, end.signal]) });
      if (signal.aborted) return;
      const last = await promise;
      if (last instanceof UnavailableError) throw last;
      if (last) yield last;
    },
  });
  return { store: wrapped, interrupt: (how?: WatchMessage | UnavailableError) => interrupt(how) };
}

test("no allocation and no release reads the store", async (t) => {
  const memory = createMemoryStore({ clock: systemClock });
  let reads = 0;
  const counting =
    <A extends unknown[], R>(read: (...args: A) => R) =>
    (...args: A): R => (reads++, read(...args));
  const store = storeWith(memory, {
    // The loops look at this one.
    get: (key) => (key === leaderKey ? memory.get(key) : counting(() => memory.get(key))()),
    list: counting((prefix, options) => memory.list(prefix, options)),
    snapshot: counting((prefix) => memory.snapshot(prefix)),
  });
  const { call } = await start(t, store);
  await prepare(call);
  const before = reads;
  for (let i = 0; i < 30; i++) assert.equal((await allocate(call, `p${i}`)).status, 200);
  for (let i = 0; i < 30; i++) assert.equal((await call(`DELETE /address?addressName=p${i}`)).status, 200);
  assert.equal(reads, before);
});

test("what waits is merged: 200 allocations at once are a handful of transactions, each answered when it is durable", async (t) => {
  const memory = createMemoryStore({ clock: systemClock });
  let transactions = 0;
  const store = storeWith(memory, {
    async txn(compares, operations) {
      transactions++;
      // As a disk takes its time.
      await systemClock.sleep(Milliseconds(5));
      return memory.txn(compares, operations);
    },
  });
  const { call } = await start(t, store);
  await prepare(call);
  const before = transactions;
  const names = Array.from({ length: 200 }, (_, i) => `p${i}`);
  const replies = await Promise.all(names.map((name) => allocate(call, name)));
  assert.equal(new Set(replies.flatMap(({ body }) => body["ips"] as string[])).size, 400);
  assert.ok(transactions - before <= 20, `${transactions - before} transactions`);
});

test("a store that cannot be watched makes the daemon unready until it can, and nothing is missed", async (t) => {
  const { store, interrupt } = interruptible(createMemoryStore({ clock: systemClock }));
  const { call, daemon } = await start(t, store);
  await prepare(call);
  interrupt(new UnavailableError({ code: "STORE_TIMEOUT", message: "the disk hangs" }));
  const ready = async (status: number): Promise<unknown> => {
    const reply = await call("GET /readyz");
    assert.equal(reply.status, status);
    return (reply.body["parts"] as Record<string, string>)["store"];
  };
  assert.equal(await eventually(() => ready(503), { every: 1 }), "the disk hangs");
  assert.equal((await call("GET /healthz")).status, 200, "a restart would not help");
  assert.equal(await eventually(() => ready(200)), "ok");
  await allocate(call, "p");
  await eventually(() =>
    assert.equal(daemon.mirror.revisionOf("/romana/v3/addresses/p"), daemon.mirror.revision),
  );
});

test("of a watch that goes on failing every tenth failure is logged, and all are told", async () => {
  const clock = createFakeClock();
  const logged: unknown[] = [];
  let failures = 0;
  const mirror = new Mirror({
    ...{ clock, rng: seededRng(1), onChange: () => undefined, hearsAddresses: () => false },
    store: storeWith(createMemoryStore({ clock }), { watch: down }),
    log: { ...silentLog, warn: (_text, fields) => void logged.push(fields?.["failures"]) },
    onError: () => void failures++,
  });
  await mirror.start();
  while (failures < 25) await clock.advance(5000);
  await mirror.close();
  assert.deepEqual(logged, [0, 10, 20]);
});

test("a mirror that is told its past is compacted reads all again: watchers get a reset, the state is that of the store", async (t) => {
  const memory = createMemoryStore({ clock: systemClock });
  const { store, interrupt } = interruptible(memory);
  const { call } = await start(t, store);
  await prepare(call);
  for (let i = 0; i < 12; i++) await allocate(call, `p${i}`);
  const other = await start(t, memory);
  interrupt({ kind: "compacted", oldest: 1 });
  await other.call("DELETE /hosts/h0");
  const hosts = async () => (await call("GET /hosts")).body["hosts"];
  await eventually(async () => assert.deepEqual(await hosts(), []));
  assert.deepEqual((await call("GET /addresses")).body["addresses"], []);
});

test("a store that has died ends the daemon", async (t) => {
  const { store, interrupt } = interruptible(createMemoryStore({ clock: systemClock }));
  const running = await start(t, store);
  interrupt(new UnavailableError({ code: "STORE_DIED" }));
  await assert.rejects(running.ended, { code: "STORE_DIED" });
});

test("a store that cannot be read keeps the daemon from starting, and is closed", async () => {
  const memory = createMemoryStore({ clock: systemClock });
  await assert.rejects(startDaemon({ store: storeWith(memory, { snapshot: down }) }), {
    code: "STORE_TIMEOUT",
  });
  await assert.rejects(memory.get("k"), { code: "STORE_CLOSED" });
});

test("a transaction whose answer was lost is not given twice: the caller asks again and gets the same address", async (t) => {
  const memory = createMemoryStore({ clock: systemClock });
  let lose = 0;
  const store = storeWith(memory, {
    async txn(compares, operations) {
      const result = await memory.txn(compares, operations);
      return lose-- > 0 ? down() : result;
    },
  });
  const { call } = await start(t, store);
  await prepare(call);
  lose = 1;
  assert.equal((await allocate(call, "p")).body["code"], "STORE_TIMEOUT");
  const again = await allocate(call, "p");
  assert.equal(again.status, 200);
  const held = (await memory.get("/romana/v3/addresses/p")).entry?.value ?? "";
  assert.ok(held.includes((again.body as AddressReply).ip));
  const other = await allocate(call, "q");
  assert.notEqual(other.body["ip"], again.body["ip"]);
});
