// An import: into an empty store, whole or visibly not, and only what was asked for.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { silentLog } from "../../../base/log.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { KEY_PREFIX } from "../../../core/model/keys.ts";
import { RECORD_STEPS, RECORDS_SCHEMA } from "../../../core/model/schema.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import type { Store } from "../store.ts";
import { readImport, readSchema, readWholeImport } from "../store-state.ts";
import type { RecordPage } from "./backup-lines.ts";
import { importRecords } from "./import-records.ts";
import { readBackup } from "./read-backup.ts";
import { readRecords } from "./read-records.ts";
import { backupOf, clock, filled, inChunks, memoryStore, pairsOf } from "../../../../test/support/backups.ts";

const few = { "hosts/h1": "{}", topology: "{}" };
const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`addresses/${i}`, `value ${i}`]));
const recordsOf = (store: Store): AsyncIterable<RecordPage> => readRecords(store, { clock });
const copy = (from: Store, to: Store, replace = false) => importRecords(to, recordsOf(from), { replace });

test("an imported store says what it is: the schema, where it is from, and that nobody knows what is alive", async () => {
  const [from, to] = [await filled(few), memoryStore()];
  const { header, entries } = await copy(from, to);
  assert.deepEqual([header.cluster, entries], [from.identity.clusterId, 2]);
  assert.equal((await readSchema(to)).record.version, RECORDS_SCHEMA);
  const { record } = await readImport(to);
  assert.deepEqual(
    [record?.state, record?.generation, record?.origin.cluster],
    ["unsettled", 1, from.identity.clusterId],
  );
  assert.notEqual(to.identity.clusterId, from.identity.clusterId);
});

test("a store that holds something is not imported into, and the key is named", async () => {
  const to = await filled({ "hosts/old": "{}" });
  await assert.rejects(copy(await filled(few), to), (error) =>
    /"\/romana\/v3\/hosts\/old": expected an empty store/.test(String(error)),
  );
  assert.equal((await pairsOf(to)).length, 1);
});

test("with replace it is, and what was there is gone", async () => {
  const [from, to] = [await filled(few), await filled(many)];
  await copy(from, to, true);
  assert.deepEqual(await pairsOf(to), await pairsOf(from));
  await copy(from, to, true);
  assert.equal((await readImport(to)).record?.generation, 2);
});

test("a store in which a daemon holds a lease is not imported into, not even with replace", async () => {
  const [from, to] = [await filled(few), memoryStore()];
  const lease = await to.grantLease(60);
  await to.txn([], [{ kind: "put", key: `${KEY_PREFIX}leases/daemon`, value: "", lease }]);
  for (const replace of [false, true])
    await assert.rejects(copy(from, to, replace), { code: "STORE_IN_USE" });
  assert.equal((await readImport(to)).record, undefined);
});

test("cut off at any transaction: the store is refused until the same import is done again", async () => {
  const from = await filled(many);
  for (let survived = 0, isWhole = false; !isWhole; survived++) {
    let left = survived;
    const isDead = (): boolean => left-- <= 0;
    const to = memoryStore((method) => {
      if (method === "txn" && isDead()) throw new UnavailableError({ code: "STORE_TIMEOUT" });
    });
    isWhole = await copy(from, to).then(
      () => true,
      () => false,
    );
    left = Infinity;
    if (isWhole) break;
    const marked = (await readImport(to)).record;
    if (survived === 0) assert.equal(marked, undefined);
    else {
      assert.equal(marked?.state, "writing");
      await assert.rejects(readWholeImport(to), { code: "STORE_IMPORT_UNFINISHED" });
      await assert.rejects(copy(await filled(few), to), { code: "IMPORT_OTHER" });
    }
    await copy(from, to);
    await readWholeImport(to);
    assert.deepEqual(await pairsOf(to), await pairsOf(from));
  }
});

test("a file that turns out to be damaged leaves the store refused", async () => {
  const to = memoryStore();
  const bytes = (await backupOf(await filled(many))).subarray(0, -10);
  const pages = readBackup(inChunks(bytes), "file");
  await assert.rejects(importRecords(to, pages, { replace: false }), { code: "BACKUP_TRUNCATED" });
  await assert.rejects(readWholeImport(to), { code: "STORE_IMPORT_UNFINISHED" });
});

test("somebody else's write into the store during the import is found", async () => {
  const [from, to] = [await filled(many), memoryStore()];
  async function* disturbed(): AsyncGenerator<RecordPage> {
    for await (const page of recordsOf(from)) {
      yield page;
      await filled({ "hosts/other": "{}" }, to);
    }
  }
  await assert.rejects(importRecords(to, disturbed(), { replace: false }), { code: "IMPORT_DISTURBED" });
  await assert.rejects(readWholeImport(to), { code: "STORE_IMPORT_UNFINISHED" });
});

test("two imports at a time: one is told of the other", async () => {
  const [from, to] = [await filled(many), memoryStore()];
  const outcomes = await Promise.allSettled([copy(from, to), copy(from, to)]);
  assert.ok(outcomes.some(({ status }) => status === "rejected"));
});

test("records of an older schema are upgraded on their way; those of a newer one stay where they are", async () => {
  const steps = [
    ...RECORD_STEPS,
    (key: string, value: string) => (key.includes("/hosts/") ? undefined : `${value}!`),
  ];
  const to = memoryStore();
  await importRecords(to, recordsOf(await filled(few)), { replace: false, steps });
  const [{ entry }, { record }] = await Promise.all([
    to.get(`${KEY_PREFIX}topology`),
    readSchema(to, steps.length),
  ]);
  assert.deepEqual([entry?.value, record.version], ["{}!", RECORDS_SCHEMA + 1]);
  assert.equal((await to.get(`${KEY_PREFIX}hosts/h1`)).entry, undefined);
  await assert.rejects(copy(await filled(few), to, true), { code: "STORE_SCHEMA_NEWER" });
  await assert.rejects(backupOf(to), { code: "STORE_SCHEMA_NEWER" });
});

async function sqlite(t: TestContext): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), "romana-import-"));
  const store = await openSqliteStore({ path: join(folder, "romana.db"), clock, log: silentLog });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return store;
}

test("sqlite to memory to sqlite: the same records, and no watch from before", async (t) => {
  const [from, to] = [await filled(many, await sqlite(t)), await sqlite(t)];
  const between = memoryStore();
  await copy(from, between);
  await copy(between, to);
  assert.deepEqual(await pairsOf(to), await pairsOf(from));
  const watch = to.watch(KEY_PREFIX, { since: 1, signal: AbortSignal.timeout(5000) });
  for await (const { kind } of watch) assert.equal(kind, "compacted");
});
