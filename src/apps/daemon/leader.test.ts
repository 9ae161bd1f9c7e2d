import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { testLeader } from "../../../test/store/leader-cases.ts";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { silentLog } from "../../base/log.ts";
import { leaderKey } from "../../core/model/keys.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";
import { openSqliteStore } from "../../io/store/sqlite-store.ts";

testLeader("memory", async () => {
  const clock = createFakeClock();
  return { store: createMemoryStore({ clock }), pass: (seconds) => clock.advance(seconds * 1000) };
});

testLeader("sqlite", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "romana-leader-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = createFakeClock();
  const store = await openSqliteStore({ path: join(folder, "romana.db"), clock, log: silentLog });
  return { store, pass: (seconds) => clock.advance(seconds * 1000) };
});

/** Two daemons on one store, each with time of its own; the first leads. */
async function twoDaemons() {
  const [ofStore, ofFirst, ofSecond] = [createFakeClock(), createFakeClock(), createFakeClock()];
  const store = createMemoryStore({ clock: ofStore });
  const argv = ["--new-cluster", "--adoption-window", "0"];
  // The store outlives it.
  const kept = storeWith(store, { close: async () => undefined });
  const first = await startDaemon({ argv, clock: ofFirst, store: kept });
  await eventually(() => assert.ok(first.daemon.leader.isLeading));
  const second = await startDaemon({ argv, clock: ofSecond, store });
  return { store, ofStore, ofFirst, ofSecond, first, second };
}

test("a daemon that was paused while another took the lead collects nothing any more", async () => {
  const { store, ofStore, ofSecond, first, second } = await twoDaemons();
  await first.call("POST /topology", twoRacks);
  await first.call("POST /hosts", { name: "h", ip: "192.168.0.1", tags: { rack: "a" } });
  // The first stands still from here on; the lease ends, and the second looks.
  const old = first.daemon.leader;
  await ofStore.advance(6000);
  await ofSecond.advance(1000);
  assert.deepEqual([old.isLeading, second.daemon.leader.isLeading], [true, true]);
  const { revision } = await store.get(leaderKey);
  const decide = () => ({
    value: undefined,
    plan: { writes: [{ kind: "delete-host", name: "h" } as const], guards: [] },
  });
  await assert.rejects(
    old.lead((term) => term.submit(decide)),
    { code: "CONTENTION" },
  );
  assert.equal((await store.get(leaderKey)).revision, revision, "nothing was written");
  assert.ok(first.daemon.mirror.state.hosts.has("h"), "and what was planned was taken back");
  await second.daemon.leader.lead((term) => term.submit(decide));
  assert.equal((await store.get(leaderKey)).revision, revision + 1);
  await Promise.all([first.close(), second.close()]);
});

test("a stop hands the lead over to whoever looks next, and /readyz and /metrics tell who leads", async () => {
  const { ofSecond, first, second } = await twoDaemons();
  const leaderOf = async ({ call }: typeof first): Promise<unknown> =>
    ((await call("GET /readyz")).body["parts"] as Record<string, unknown>)["leader"];
  assert.match(String(await leaderOf(first)), /^this daemon, \S+ 127\.0\.0\.1:9600$/);
  assert.match(String(await leaderOf(second)), /^\S+ 127\.0\.0\.1:9600$/);
  const metric = async ({ app }: typeof first): Promise<string> => (await app.inject("/metrics")).body;
  assert.match(await metric(second), /^romana_daemon_leader 0$/m);
  await first.close();
  await ofSecond.advance(600);
  assert.match(String(await leaderOf(second)), /^this daemon/);
  assert.match(await metric(second), /^romana_daemon_leader 1$/m);
  await second.close();
});
