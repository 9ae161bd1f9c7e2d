// Leaked addresses through the API: missed by two reports, the grace period apart, and then freed; by any daemon on the store.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Call, startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { systemClock } from "../../base/clock.ts";
import type { CheckReply, GcReply } from "../../core/api/ipam.ts";
import type { HostReportReply } from "../../core/api/types.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";
import type { Store } from "../../io/store/store.ts";

const pod = (name: string): string => `net/${name}/eth0`;
type Address = { readonly ips: string[]; readonly sequence: number };

/** A daemon on a store that outlives it. Its clock is ahead by `ahead` milliseconds. */
async function start(t: TestContext, store: Store, ahead = 0) {
  const running = await startDaemon({
    store: storeWith(store, { close: async () => undefined }),
    argv: ["--new-cluster", "--adoption-window=0", "--leak-grace=15m"],
    clock: { ...systemClock, now: () => systemClock.now() + ahead },
  });
  t.after(() => running.close());
  return running.call;
}

async function prepare(call: Call): Promise<void> {
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
}
const allocate = async (call: Call, name: string): Promise<Address> =>
  (await call("POST /address", { name, host: "h1", tenant: "t" })).body as Address;

/** As the agent of h1 that knows these and has followed the store up to now. */
async function report(call: Call, known: Record<string, Address>, more: object = {}): Promise<void> {
  const first = (await call("POST /hosts/h1/report", { endpoints: [] })).body as HostReportReply;
  const endpoints = Object.entries(known).map(([name, { ips, sequence }]) => ({
    ...{ name, ips, sequence, tenant: "t", segment: "" },
  }));
  const seen = { cluster: first.cluster, revision: first.revision };
  const { status } = await call("POST /hosts/h1/report", { endpoints, seen, in_hand: [], ...more });
  assert.equal(status, 200);
}
const gc = async (call: Call, body: object = { dry_run: false }): Promise<GcReply> =>
  (await call("POST /ipam/gc", body)).body as GcReply;
const namesOf = (some: readonly { name: string }[]): string[] => some.map(({ name }) => name).sort();

test("missed once: named, not freed; missed again after the grace period: freed, though daemons changed in between", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const first = await start(t, store);
  await prepare(first);
  const alive = { [pod("a")]: await allocate(first, pod("a")) };
  const lost = await allocate(first, pod("b"));
  await allocate(first, "by-hand");
  await report(first, alive);
  await report(first, alive);
  const early = await gc(first);
  assert.deepEqual([early.freed, namesOf(early.waiting)], [[], [pod("b")]]);
  const { findings } = (await first("GET /ipam/check")).body as CheckReply;
  assert.deepEqual(
    findings.map(({ kind, subject, host, ips }) => ({ kind, subject, host, ips })),
    [{ kind: "leaked", subject: pod("b"), host: "h1", ips: lost.ips }],
  );
  assert.match(findings[0]?.evidence[0]?.key ?? "", /evidence\/h1$/);

  const second = await start(t, store, 16 * 60_000);
  assert.deepEqual(namesOf((await gc(second)).freed), [], "time alone confirms nothing");
  await report(second, alive);
  const dry = await gc(second, {});
  assert.deepEqual([dry.dry_run, namesOf(dry.freed)], [true, [pod("b")]]);
  const { freed } = await gc(second);
  assert.deepEqual(namesOf(freed), [pod("b")]);
  assert.deepEqual([freed[0]?.sequence, freed[0]?.ips], [lost.sequence, lost.ips]);
  await eventually(async () => {
    const { addresses } = (await first("GET /addresses")).body as { addresses: { name: string }[] };
    assert.deepEqual(namesOf(addresses), ["by-hand", pod("a")].sort());
  });
  assert.equal(((await second("GET /ipam/check")).body as CheckReply).total, 0);
});

/** Each row: what the second report, or somebody in between, says; nothing may be freed. */
const rescues: readonly (readonly [string, (call: Call, lost: Address) => Promise<unknown>])[] = [
  ["a report that knows it", (call, lost) => report(call, { [pod("b")]: lost })],
  ["a report that has it in hand", (call) => report(call, {}, { in_hand: [pod("b")] })],
  ["an agent that does not tell what it has in hand", (call) => report(call, {}, { in_hand: undefined })],
  [
    "an agent of another store",
    async (call) => {
      const body = { endpoints: [], in_hand: [], seen: { cluster: "other", revision: 1 } };
      await call("POST /hosts/h1/report", body);
    },
  ],
  [
    "a report from before the first was known",
    async (call) => {
      const { cluster } = (await call("POST /hosts/h1/report", { endpoints: [] })).body;
      await call("POST /hosts/h1/report", { endpoints: [], in_hand: [], seen: { cluster, revision: 1 } });
    },
  ],
  ["no report at all", async () => undefined],
  ["a retried ADD", (call) => allocate(call, pod("b"))],
];
for (const [what, rescue] of rescues)
  test(`not freed: ${what}`, async (t) => {
    const store = createMemoryStore({ clock: systemClock });
    const first = await start(t, store);
    await prepare(first);
    const lost = await allocate(first, pod("b"));
    await report(first, {});
    assert.deepEqual(namesOf((await gc(first)).waiting), [pod("b")]);
    const second = await start(t, store, 16 * 60_000);
    await rescue(second, lost);
    assert.deepEqual((await gc(second)).freed, []);
    const { addresses } = (await second("GET /addresses")).body as { addresses: { name: string }[] };
    assert.deepEqual(namesOf(addresses), [pod("b")]);
  });

test("another allocation of the same name is safe", async (t) => {
  const store = createMemoryStore({ clock: systemClock });
  const call = await start(t, store);
  await prepare(call);
  await allocate(call, pod("b"));
  await report(call, {});
  const later = await start(t, store, 16 * 60_000);
  await report(later, {});
  assert.deepEqual(namesOf((await gc(later, { dry_run: true })).freed), [pod("b")]);
  await later(`DELETE /address?addressName=${encodeURIComponent(pod("b"))}`);
  await allocate(later, pod("b"));
  assert.deepEqual((await gc(later)).freed, []);
});
