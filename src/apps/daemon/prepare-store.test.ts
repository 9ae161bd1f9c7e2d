// A daemon works on records of its own schema, in a store that is whole, and on no other: at the start and for as long as it runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { filled, memoryStore } from "../../../test/support/backups.ts";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { encodeImport, type ImportRecord } from "../../core/model/import-record.ts";
import { encodeSchema, RECORDS_SCHEMA } from "../../core/model/schema.ts";
import { readSchema } from "../../io/store/store-state.ts";

const importRecord = (state: ImportRecord["state"]): string =>
  encodeImport({
    generation: 3,
    state,
    origin: { cluster: "c", generation: 0, revision: 7, taken: "2026-11-25T09:00:00.000Z" },
  });

test("a store of before there were schemas is taken to this one; all in it stays", async () => {
  const before = await startDaemon();
  await before.call("POST /topology", twoRacks);
  await before.call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  const { entries } = await before.daemon.store.list("/romana/v3/");
  const records = entries.map(({ key, value }): [string, string] => [key.slice("/romana/v3/".length), value]);
  const old = await filled(Object.fromEntries(records.filter(([key]) => key !== "schema")));
  await before.close();
  const running = await startDaemon({ store: old });
  const { call, daemon } = running;
  assert.deepEqual((await readSchema(daemon.store)).record, { version: RECORDS_SCHEMA });
  assert.equal((await call("GET /hosts/h1")).body["ip"], "192.168.0.1");
  await running.close();
});

for (const [what, records, code] of [
  ["a newer schema", { schema: encodeSchema({ version: 9 }) }, "STORE_SCHEMA_NEWER"],
  ["half an import", { import: importRecord("writing") }, "STORE_IMPORT_UNFINISHED"],
] as const) {
  test(`a daemon does not start on ${what}, and leaves it as it is`, async () => {
    const store = await filled(records);
    const { revision } = await store.get("");
    let isClosed = false;
    const watched = storeWith(store, { close: async () => void (isClosed = true) });
    await assert.rejects(startDaemon({ store: watched }), { code });
    assert.deepEqual([(await store.get("")).revision, isClosed], [revision, true]);
  });

  test(`a daemon ends when its store becomes ${what}`, async () => {
    const store = memoryStore();
    const running = await startDaemon({ store });
    assert.ok(running.daemon.mirror.revision > 0);
    await filled(records, store);
    await assert.rejects(running.ended, { code });
    await running.close();
  });
}

test("a daemon on a store that was imported into goes by another name with agents, and by that for good", async () => {
  for (const state of ["unsettled", "settled"] as const) {
    const store = await filled({ import: importRecord(state) });
    const running = await startDaemon({ store });
    const reply = await running.call("POST /hosts/h1/report", { endpoints: [] });
    assert.equal(reply.body["cluster"], `${store.identity.clusterId}.3`);
    await running.close();
  }
});

test("two daemons on a restored store: each hears one of two hosts, and then both hand out", async (t) => {
  const host = { ips: ["192.168.0.1"], tags: {}, agentPort: 0, k8sInfo: {}, groups: [] };
  const store = await filled({
    import: importRecord("unsettled"),
    schema: encodeSchema({ version: RECORDS_SCHEMA }),
    "hosts/h1": JSON.stringify({ name: "h1", ...host }),
    "hosts/h2": JSON.stringify({ name: "h2", ...host, ips: ["192.168.0.2"] }),
  });
  const shared = storeWith(store, { close: async () => undefined });
  const start = () => startDaemon({ store: shared, argv: ["--adoption-window=0"] });
  const both = [await start(), await start()] as const;
  t.after(() => Promise.all(both.map((each) => each.close())));
  const [first, second] = both;
  await first.call("POST /topology", twoRacks);
  const isWaiting = async ({ call }: typeof first): Promise<boolean> =>
    (await call("POST /ipam/adopt", { force: false })).body["state"] === "waiting";
  assert.deepEqual(await Promise.all(both.map(isWaiting)), [true, true]);
  await first.call("POST /hosts/h1/report", { endpoints: [] });
  assert.deepEqual(await Promise.all(both.map(isWaiting)), [true, true]);
  await second.call("POST /hosts/h2/report", { endpoints: [] });
  await eventually(async () => assert.deepEqual(await Promise.all(both.map(isWaiting)), [false, false]));
});
