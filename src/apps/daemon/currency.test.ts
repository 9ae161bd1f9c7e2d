// A daemon whose watch of the store is late or stalled, while others write: it knows, says so, says no wrong no, and takes nobody back in time.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Call, startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { systemClock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { AddressReply } from "../../core/api/types.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";
import type { Store } from "../../io/store/store.ts";
import { Currency } from "./currency.ts";

type Running = Awaited<ReturnType<typeof startDaemon>>;

/** A store whose watches tell nothing while they are held, nor can all be read where that is held too. */
function holdable(store: Store) {
  let gate = Promise.resolve();
  let reading = Promise.resolve();
  let open = (): void => undefined;
  let conflicts = 0;
  const wrapped = storeWith(store, {
    async *watch(prefix, options) {
      for await (const message of store.watch(prefix, options)) {
        await gate;
        yield message;
      }
    },
    async txn(compares, operations) {
      const result = await store.txn(compares, operations);
      if (result.kind === "conflict") conflicts++;
      return result;
    },
    async *snapshot(prefix) {
      await reading;
      yield* store.snapshot(prefix);
    },
  });
  const hold = ({ reads = false } = {}): void => {
    ({ promise: gate, resolve: open } = Promise.withResolvers<void>());
    if (reads) reading = gate;
  };
  return { store: wrapped, hold, release: () => open(), conflicts: () => conflicts };
}

/** Two daemons on one store; the second hears of the first's writes only once it is released, or reads all again. */
async function pair(t: TestContext) {
  const memory = createMemoryStore({ clock: systemClock });
  const current = await startDaemon({ store: memory });
  const late = holdable(memory);
  const lagging = await startDaemon({ store: late.store, argv: ["--adoption-window", "0"] });
  t.after(async () => {
    late.release();
    await Promise.all([current.close(), lagging.close()]);
  });
  await current.call("POST /topology", twoRacks);
  await current.call("POST /hosts", { name: "h", ip: "192.168.0.1", tags: { rack: "a" } });
  await agreed(current, lagging);
  return { current, lagging, ...late };
}
const agreed = ({ daemon }: Running, other: Running): Promise<void> =>
  eventually(() => assert.equal(other.daemon.mirror.revision, daemon.mirror.revision), { every: 1 });
const allocate = (call: Call, name: string) => call("POST /address", { name, host: "h", tenant: "t" });
const releaseOf = (name: string): string => `DELETE /address?addressName=${name}`;

test("what another daemon allocated is released, not unknown, where the news of it is late", async (t) => {
  const { current, lagging, hold } = await pair(t);
  hold();
  assert.equal((await allocate(current.call, "p")).status, 200);
  assert.equal(lagging.daemon.mirror.state.addresses.size, 0);
  assert.equal((await lagging.call(releaseOf("p"))).status, 200);
  assert.equal((await lagging.call(releaseOf("p"))).status, 404);
});

test("an address that another daemon released is not told as a name's own, where the news of it is late", async (t) => {
  const { current, lagging, hold } = await pair(t);
  const { body: first } = await allocate(current.call, "p");
  await agreed(current, lagging);
  assert.deepEqual((await allocate(lagging.call, "p")).body, first, "asked again: the same");
  hold();
  await current.call(releaseOf("p"));
  const { body: other } = await allocate(current.call, "q");
  const { body: second } = await allocate(lagging.call, "p");
  assert.notEqual(second["ip"], first["ip"], "it rests");
  assert.notEqual(second["ip"], other["ip"]);
});

test("an agent that saw more than a late mirror knows is no sign of a loss, and is not taken back in time", async (t) => {
  const { current, lagging, hold } = await pair(t);
  hold({ reads: true });
  await allocate(current.call, "p");
  const revision = await eventually(() => {
    const { mirror } = current.daemon;
    assert.ok(mirror.revision > lagging.daemon.mirror.revision);
    return mirror.revision;
  });
  const seen = { cluster: current.daemon.cluster, revision };
  const { body } = await lagging.call("POST /hosts/h/report", { seen, endpoints: [] });
  assert.deepEqual([body["state"], Number(body["revision"]) >= revision], ["ready", true]);
  const refused = await lagging.call(`GET /watch?since=${revision}&cluster=${seen.cluster}`);
  assert.deepEqual([refused.status, refused.body["code"]], [503, "BEHIND"]);
});

test("what is released while a report that knows no revision waits for the store is not brought back by it", async (t) => {
  const { current, lagging, hold, release, conflicts } = await pair(t);
  hold({ reads: true });
  const { body } = await allocate(current.call, "p");
  const { name, ips, tenant, segment, sequence } = body as unknown as AddressReply;
  const endpoints = [{ name, ips, tenant, segment, sequence }];
  const reported = lagging.call("POST /hosts/h/report", { endpoints, in_hand: [] });
  await eventually(() => assert.ok(conflicts() > 0));
  await current.call(releaseOf("p"));
  release();
  assert.equal((await reported).status, 200);
  await agreed(current, lagging);
  assert.equal(lagging.daemon.mirror.state.addresses.size, 0);
});

test("a watch from a revision that the store has not reached begins anew: there is no such past", async (t) => {
  const { current } = await pair(t);
  const { daemon, app } = current;
  const url = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  const stop = new AbortController();
  const reply = await fetch(new URL(`/watch?since=999999&cluster=${daemon.cluster}`, url), stop);
  const { value } = await (reply.body as ReadableStream<Uint8Array>).getReader().read();
  assert.match(Buffer.from(value ?? []).toString(), /^{"type":"reset"/);
  stop.abort();
});

test("a store that does not answer: behind after 3 s, said on /readyz and in bookmarks, and over when it answers", async () => {
  const clock = createFakeClock();
  let isDown = false;
  const faults = (): void => {
    if (isDown) throw new UnavailableError({ code: "STORE_TIMEOUT" });
  };
  const running = await startDaemon({ clock, store: createMemoryStore({ clock, faults }) });
  const lines: string[] = [];
  const write = (chunk: string | Buffer): void => void lines.push(chunk.toString());
  running.daemon.hub.subscribe({}, { write, pending: () => 0, end: () => undefined });
  const currency = async (): Promise<unknown> => {
    const { status, body } = await running.call("GET /readyz");
    return [status, (body["parts"] as Record<string, string>)["currency"]];
  };
  await clock.advance(1500);
  assert.deepEqual(await currency(), [200, "ok"]);
  assert.doesNotMatch(lines.at(-1) ?? "", /behind/);
  isDown = true;
  await clock.advance(6000);
  const [status, shown] = (await currency()) as [number, string];
  assert.equal(status, 503);
  assert.match(shown, /^behind the store for \d s$/);
  assert.match(lines.at(-1) ?? "", /^{"type":"bookmark","revision":\d+,"behind":true}\n$/);
  isDown = false;
  await clock.advance(5000);
  assert.deepEqual(await currency(), [200, "ok"]);
  assert.doesNotMatch(lines.at(-1) ?? "", /behind/);
  await running.close();
});

test("a mirror that does not follow is behind, however well the store answers", async () => {
  const clock = createFakeClock();
  let follow = (): void => undefined;
  const mirror = { revision: 5, catchUp: () => new Promise<void>((resolve) => (follow = resolve)) };
  const get: Store["get"] = async () => ({ entry: undefined, revision: 9 });
  const currency = new Currency({ store: { get }, mirror, clock });
  const looked = currency.look();
  await clock.advance(3500);
  assert.deepEqual([currency.isBehind, currency.shown], [true, "behind the store for 4 s"]);
  follow();
  await looked;
  // As of when it was asked, not of when the mirror got there.
  assert.equal(currency.isBehind, true);
  const again = currency.look();
  await clock.advance(0);
  follow();
  await again;
  assert.equal(currency.isBehind, false);
});
