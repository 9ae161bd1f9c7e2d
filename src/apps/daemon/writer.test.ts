import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { startDaemon, twoRacks, type Call, type Reply } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { lagging } from "../../../test/support/lagging.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { Milliseconds, seededRng, systemClock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { AddressReply, BlockList } from "../../core/api/types.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";
import type { Store } from "../../io/store/store.ts";

type Running = Awaited<ReturnType<typeof startDaemon>>;
const listOf = async (call: Call): Promise<AddressReply[]> =>
  ((await call("GET /addresses")).body["addresses"] as AddressReply[]).sort((a, b) => (a.id < b.id ? -1 : 1));
const allocate = (call: Call, name: string, host: string): Promise<Reply> =>
  call("POST /address", { name, host, tenant: "t" });

async function prepare(call: Call): Promise<void> {
  await call("POST /topology", twoRacks);
  for (const [i, rack] of ["a", "b"].entries())
    await call("POST /hosts", { name: `h${i}`, ip: `192.168.0.${i}`, tags: { rack } });
}

/** Until all daemons tell the same. */
async function agreed(daemons: readonly Running[]): Promise<void> {
  for (const { daemon } of daemons)
    await daemon.mirror.catchUp(Math.max(...daemons.map((each) => each.daemon.mirror.revision)));
}

test("two daemons on one store: conflicts are planned anew, no address is given twice", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const first = await startDaemon({ store });
  await prepare(first.call);
  const second = await startDaemon({ store: lagging(store) });
  t.after(() => Promise.all([first.close(), second.close()]));
  const both = [first, second];
  const names = Array.from({ length: 300 }, (_, i) => `pod-${i}`);
  const replies = await Promise.all(
    names.map((name, i) => allocate((both[i % 2] ?? first).call, name, `h${i % 3 ? 0 : 1}`)),
  );
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
  assert.equal(new Set(replies.flatMap(({ body }) => body["ips"] as string[])).size, 600);
  await agreed(both);
  assert.deepEqual(await listOf(first.call), await listOf(second.call));
  const conflicts = await second.daemon.metrics.transactions.get();
  assert.ok(conflicts.values.some(({ labels, value }) => labels.outcome === "conflict" && value > 0));
});

test("a daemon that lags denies nothing that is there, and confirms nothing that is gone", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const first = await startDaemon({ store });
  await prepare(first.call);
  const second = await startDaemon({ store: lagging(store, Milliseconds(200)) });
  t.after(() => Promise.all([first.close(), second.close()]));
  await agreed([first, second]);
  const { body } = await allocate(first.call, "pod", "h0");
  const mine = `addressName=pod&sequence=${String(body["sequence"])}`;
  assert.equal((await second.call(`DELETE /address?${mine}`)).status, 200, "it was there");
  await agreed([first, second]);
  // By number, so that the address is another's without a cooldown.
  const { body: lent } = await allocate(first.call, "pod-3", "h0");
  await agreed([first, second]);
  await first.call("DELETE /address?addressName=pod-3");
  await first.call("POST /address", { name: "taker", host: "h0", tenant: "t", ips: lent["ips"] });
  const { status, body: again } = await allocate(second.call, "pod-3", "h0");
  assert.equal(status, 200);
  assert.notDeepEqual(again["ips"], lent["ips"], "it is another's by now");
});

test("a store that fails now and then: 503, no address given twice, and the mirror agrees with the store after", async (t) => {
  const rng = seededRng(7);
  let failing = false;
  const store = createMemoryStore({
    clock: systemClock,
    faults: (operation) => {
      if (failing && operation === "txn" && rng() < 0.3)
        throw new UnavailableError({ code: "STORE_TIMEOUT" });
    },
  });
  const running = await startDaemon({ store });
  t.after(() => running.close());
  await prepare(running.call);
  failing = true;
  for (let round = 0; round < 20; round++) {
    const names = Array.from({ length: 10 }, (_, i) => `pod-${(round * 7 + i) % 40}`);
    const replies = await Promise.all(
      names.map((name) =>
        rng() < 0.6
          ? allocate(running.call, name, "h0")
          : running.call(`DELETE /address?addressName=${name}`),
      ),
    );
    for (const { status } of replies) assert.ok([200, 404, 503].includes(status), String(status));
  }
  failing = false;
  const told = await listOf(running.call);
  assert.equal(new Set(told.flatMap(({ ips }) => ips)).size, told.length * 2);
  const witness = await startDaemon({ store });
  t.after(() => witness.close());
  assert.deepEqual(told, await listOf(witness.call));
  const blocks = async (call: Call) => ((await call("GET /blocks")).body as unknown as BlockList).blocks;
  const sorted = (list: BlockList["blocks"]) => list.toSorted((a, b) => (a.cidr < b.cidr ? -1 : 1));
  assert.deepEqual(sorted(await blocks(running.call)), sorted(await blocks(witness.call)));
});

test("a topology is not put in place under an allocation of another daemon", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const first = await startDaemon({ store });
  await prepare(first.call);
  const second = await startDaemon({ store });
  t.after(() => Promise.all([first.close(), second.close()]));
  const other = {
    networks: [{ name: "v4", cidr: "10.8.0.0/16" }],
    topologies: [{ networks: ["v4"], map: [{ name: "g", groups: [] }] }],
  };
  const [put, ...given] = await Promise.all([
    first.call("POST /topology", other),
    ...Array.from({ length: 20 }, (_, i) => allocate(second.call, `pod-${i}`, "h0")),
  ]);
  await agreed([first, second]);
  const prefix = put.status === 200 ? "10.8." : "10.0.";
  assert.ok([200, 409].includes(put.status));
  const alive = await listOf(first.call);
  assert.equal(alive.length, given.filter(({ status }) => status === 200).length);
  for (const { ip } of alive) assert.ok(ip.startsWith(prefix), `${ip} with ${put.status}`);
});

test("a store that always conflicts: 503 CONTENTION, and the state is as it was", async (t) => {
  const memory = createMemoryStore({ clock: systemClock });
  let isStubborn = false;
  const txn: Store["txn"] = async (compares, operations) =>
    isStubborn ? { kind: "conflict", revision: 0, failed: [0] } : memory.txn(compares, operations);
  const running = await startDaemon({ store: storeWith(memory, { txn }) });
  t.after(() => running.close());
  await prepare(running.call);
  isStubborn = true;
  const replies = await Promise.all(["a", "b"].map((name) => allocate(running.call, name, "h0")));
  assert.deepEqual(
    replies.map(({ status, body }) => [status, body["code"]]),
    [
      [503, "CONTENTION"],
      [503, "CONTENTION"],
    ],
  );
  assert.deepEqual([await listOf(running.call), running.daemon.mirror.state.blocks.size], [[], 0]);
  isStubborn = false;
  assert.equal((await allocate(running.call, "a", "h0")).status, 200);
});

test("a disk that hangs does not fill the memory: above 4,096 who wait, the next are refused", async (t) => {
  const memory = createMemoryStore({ clock: systemClock });
  let disk = Promise.resolve();
  const txn: Store["txn"] = (compares, operations) => disk.then(() => memory.txn(compares, operations));
  const running = await startDaemon({ store: storeWith(memory, { txn }) });
  t.after(() => running.close());
  await prepare(running.call);
  const { promise, resolve: goOn } = Promise.withResolvers<void>();
  disk = promise;
  const held = allocate(running.call, "held", "h0");
  await eventually(() => assert.equal(running.daemon.mirror.state.addresses.size, 1), { every: 1 });
  const waiting = Array.from({ length: 4096 }, () => running.daemon.writer.submit(() => ({ value: 1 })));
  const refused = await allocate(running.call, "late", "h0");
  assert.deepEqual([refused.status, refused.body["code"]], [503, "QUEUE_FULL"]);
  goOn();
  assert.equal((await held).status, 200);
  await Promise.all(waiting);
});

test("what waits is finished at a stop, what comes after is refused", async () => {
  const memory = createMemoryStore({ clock: systemClock });
  let disk = Promise.resolve();
  const held: Store["txn"] = async (compares, operations) => {
    await disk;
    return memory.txn(compares, operations);
  };
  const running = await startDaemon({ store: storeWith(memory, { txn: held }) });
  const { call, app, daemon } = running;
  await prepare(call);
  const { promise, resolve: goOn } = Promise.withResolvers<void>();
  disk = promise;
  let received = 0;
  app.server.on("request", () => received++);
  const root = await app.listen({ host: "127.0.0.1", port: 0 });
  const watch = await fetch(`${root}/watch`);
  const waiting = Array.from({ length: 80 }, async (_, i) => {
    const body = JSON.stringify({ name: `pod-${i}`, host: "h0", tenant: "t" });
    const headers = { "content-type": "application/json" };
    return (await fetch(`${root}/address`, { method: "POST", body, headers })).status;
  });
  await eventually(() => assert.equal(received, 81), { every: 1 });
  const closing = running.close();
  goOn();
  await closing;
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([200]));
  assert.ok((await watch.text()).endsWith("\n"), "the watch ended with a whole line");
  await assert.rejects(fetch(`${root}/healthz`));
  await assert.rejects(
    daemon.writer.submit(() => ({ value: 1 })),
    (error) => error instanceof UnavailableError && error.code === "STOPPING",
  );
});

test("a client whose request never ends does not hold up a stop", async () => {
  const running = await startDaemon();
  await prepare(running.call);
  const { port } = new URL(await running.app.listen({ host: "127.0.0.1", port: 0 }));
  const socket = connect(Number(port), "127.0.0.1").pause();
  socket.on("error", () => undefined);
  socket.write(
    "POST /hosts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
  );
  await once(running.app.server, "request");
  const start = performance.now();
  await running.close();
  assert.ok(performance.now() - start < 4500);
  socket.destroy();
});

test("a transaction that is too big for the store is refused with 413, and not what it was merged with", async (t) => {
  const memory = createMemoryStore({ clock: systemClock });
  const txn: Store["txn"] = async (compares, operations) => {
    if (operations.some(({ key }) => key.endsWith("big")))
      throw new UnavailableError({ code: "STORE_TXN_TOO_BIG" });
    return memory.txn(compares, operations);
  };
  const running = await startDaemon({ store: storeWith(memory, { txn }) });
  t.after(() => running.close());
  await prepare(running.call);
  const names = ["a", "big", "b", "c"];
  const replies = await Promise.all(names.map((name) => allocate(running.call, name, "h0")));
  assert.deepEqual(
    replies.map(({ status, body }) => [status, body["code"]]),
    [
      [200, undefined],
      [413, "STORE_TXN_TOO_BIG"],
      [200, undefined],
      [200, undefined],
    ],
  );
});
