// Limits of tenants: exact whatever the daemons know of each other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { lagging } from "../../../../test/support/lagging.ts";
import { storeWith } from "../../../../test/support/store-with.ts";
import { type Rng, seededRng, systemClock } from "../../../base/clock.ts";
import { writeOfEntry } from "../../../core/ipam/keys.ts";
import { usedBy } from "../../../core/ipam/limits.ts";
import { createIpamState } from "../../../core/ipam/state.ts";
import { createMemoryStore } from "../../../io/store/memory-store.ts";
import type { Store, WatchEvent } from "../../../io/store/store.ts";

test("a limit is set, told with what is used, enforced, and taken away", async (t) => {
  const running = await startDaemon();
  const { call } = running;
  t.after(() => running.close());
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  const ask = (name: string) => call("POST /address", { name, host: "h1", tenant: "shop" });
  await ask("a");
  const set = await call("POST /limits", { tenant: "shop", limit: 3 });
  assert.deepEqual([set.status, set.body], [200, { tenant: "shop", limit: 3, allocated_ip_count: 2 }]);
  const refused = await ask("b");
  assert.deepEqual([refused.status, refused.body["code"]], [409, "LIMIT_REACHED"]);
  assert.match(
    String(refused.body["details"]),
    /tenant: "shop": expected fewer than 3 addresses in use: it has 2/,
  );
  await call("POST /limits", { tenant: "shop", network: "v4", limit: 1 });
  assert.deepEqual((await call("GET /limits")).body["limits"], [
    { tenant: "shop", limit: 3, allocated_ip_count: 2 },
    { tenant: "shop", network: "v4", limit: 1, allocated_ip_count: 1 },
  ]);
  await call("DELETE /limits?tenant=shop");
  assert.match(
    String((await ask("b")).body["details"]),
    /fewer than 1 addresses in use in network v4: it has 1/,
  );
  await call("DELETE /limits?tenant=shop&network=v4");
  assert.equal((await ask("b")).status, 200);
  assert.deepEqual((await call("GET /limits")).body["limits"], []);
});

type Running = Awaited<ReturnType<typeof startDaemon>>;
const revisionOf = (event: WatchEvent): number =>
  event.kind === "put" ? event.entry.revision : event.revision;

/** Follows the store and names every revision that gave the tenant an address beyond the limit that it had by then. */
async function* excesses(store: Store, tenant: string, signal: AbortSignal): AsyncGenerator<string> {
  const state = createIpamState();
  let given = 0;
  for await (const message of store.watch("/romana/v3/", { since: 0, signal })) {
    if (message.kind !== "events") continue;
    for (const [revision, events] of Map.groupBy(message.events, revisionOf)) {
      for (const event of events) {
        const write =
          event.kind === "put"
            ? writeOfEntry(event.entry.key, event.entry.value)
            : writeOfEntry(event.key, undefined);
        if (write) state.apply(write);
      }
      const used = usedBy(state, tenant);
      const most = state.limits.get(tenant)?.total ?? Infinity;
      if (used > given && used > most) yield `revision ${revision}: ${used} of ${most}`;
      given = used;
    }
  }
}

/** Each has blocks of its own: it is not their revisions that keep the daemons apart. */
const HOSTS = 30;

/** All hosts ask at once, each at some daemon, while the limit changes; who got something gives it back. The statuses. */
async function round(daemons: readonly Running[], rng: Rng, limit: number): Promise<number[]> {
  const any = () => daemons[Math.floor(rng() * daemons.length)] ?? assert.fail();
  const change = any().call("POST /limits", { tenant: "shop", limit });
  const statuses = await Promise.all(
    Array.from({ length: HOSTS }, async (_, i) => {
      const asked = { name: `p${i}`, host: `h${i}`, tenant: "shop" };
      return (await any().call("POST /address", asked)).status;
    }),
  );
  await change;
  for (const [i, status] of statuses.entries())
    if (status === 200) await any().call(`DELETE /address?addressName=p${i}`);
  return statuses;
}

test("three daemons that hear late of each other exceed no limit together, also while it changes", async () => {
  for (const seed of [1, 2, 3]) {
    const store = createMemoryStore({ clock: systemClock });
    const kept = storeWith(store, { close: async () => undefined });
    const daemons = [await startDaemon({ store: lagging(kept) })];
    const call = daemons[0]?.call ?? assert.fail();
    await call("POST /topology", twoRacks);
    for (let i = 0; i < HOSTS; i++)
      await call("POST /hosts", { name: `h${i}`, ip: `192.168.0.${i}`, tags: { rack: "a" } });
    await call("POST /limits", { tenant: "shop", limit: 20 });
    for (let i = 0; i < 2; i++) daemons.push(await startDaemon({ store: lagging(kept) }));
    const ending = new AbortController();
    const found: string[] = [];
    const watching = (async () => {
      for await (const excess of excesses(store, "shop", ending.signal)) found.push(excess);
    })();
    const rng = seededRng(seed);
    const statuses: number[] = [];
    for (const limit of [12, 40, 8, 24, 5]) statuses.push(...(await round(daemons, rng, limit)));
    ending.abort();
    await watching;
    for (const each of daemons) await each.close();
    assert.deepEqual(found, [], `seed ${seed}`);
    assert.ok(statuses.includes(200) && statuses.includes(409), statuses.join());
  }
});
