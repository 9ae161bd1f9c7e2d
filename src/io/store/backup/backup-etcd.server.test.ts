// Moving data into a real etcd and out of it again.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { backupOf, clock, filled, inChunks, memoryStore, pairsOf } from "../../../../test/support/backups.ts";
import { type EtcdCluster, startEtcd } from "../../../../test/support/etcd.ts";
import { openTestStore } from "../../../../test/store/etcd.ts";
import { run } from "../../../apps/store/main.ts";
import { systemClock, systemRng } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import { KEY_PREFIX } from "../../../core/model/keys.ts";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { readImport, readWholeImport } from "../store-state.ts";
import type { RecordPage } from "./backup-lines.ts";
import { importRecords } from "./import-records.ts";
import { readBackup } from "./read-backup.ts";
import { readRecords } from "./read-records.ts";

const many = Object.fromEntries(
  Array.from({ length: 2500 }, (_, i) => [`addresses/pod-é${i}`, `value ${i}`]),
);
let etcd: EtcdCluster;
let store: Store;
before(async () => {
  etcd = await startEtcd();
  store = await openTestStore(etcd.urls);
});
after(async () => {
  await store?.close();
  await etcd?.dispose();
});
beforeEach(async () => {
  const keys = (await store.list(KEY_PREFIX)).entries.map(({ key }) => key);
  for (let i = 0; i < keys.length; i += 100)
    await store.txn(
      [],
      keys.slice(i, i + 100).map((key) => ({ kind: "delete", key })),
    );
});

test("memory to etcd to memory: the same records, and the same backup but for its header", async () => {
  const [from, to] = [await filled(many), memoryStore()];
  await importRecords(store, readRecords(from, { clock }), { replace: false });
  await importRecords(to, readRecords(store, { clock }), { replace: false });
  assert.deepEqual(await pairsOf(to), await pairsOf(from));
  const entriesOf = (backup: Buffer): string[] => backup.toString().split("\n").slice(1, -2);
  assert.deepEqual(entriesOf(await backupOf(store)), entriesOf(await backupOf(from)));
});

test("a backup is of one revision while another client writes, before and behind the reader", async () => {
  await filled(many, store);
  const [before, other] = [await pairsOf(store), await openTestStore(etcd.urls)];
  try {
    const pages: RecordPage[] = [];
    for await (const page of readRecords(store, { clock })) {
      pages.push(page);
      await filled({ "addresses/pod-é0": "new", "addresses/pod-é999": "new", "addresses/zz": "new" }, other);
    }
    assert.deepEqual(
      pages.flatMap(({ pairs }) => pairs).map(({ key, value }) => ({ key, value })),
      before,
    );
  } finally {
    await other.close();
  }
});

test("an import that is cut off is refused by everybody, and completed by the same", async () => {
  const bytes = await backupOf(await filled(many));
  const pages = (size: number) => readBackup(inChunks(bytes.subarray(0, size)), "backup");
  await assert.rejects(importRecords(store, pages(bytes.length / 2), { replace: false }), {
    code: "BACKUP_TRUNCATED",
  });
  await assert.rejects(readWholeImport(store), { code: "STORE_IMPORT_UNFINISHED" });
  await importRecords(store, pages(bytes.length), { replace: false });
  assert.equal((await readImport(store)).record?.state, "unsettled");
  assert.equal((await pairsOf(store)).length, 2500);
});

test("with replace the same etcd is another generation: what agents saw of it before is not compared", async () => {
  await filled({ topology: "{}" }, store);
  await importRecords(store, readRecords(await filled(many), { clock }), { replace: true });
  await importRecords(store, readRecords(await filled(many), { clock }), { replace: true });
  const { record } = await readImport(store);
  assert.equal(record?.generation, 2);
  assert.equal((await pairsOf(store)).length, 2500);
});

test("an etcd in which a daemon holds a lease is left as it is", async () => {
  const lease = await store.grantLease(60);
  await store.txn([], [{ kind: "put", key: `${KEY_PREFIX}leases/daemon`, value: "", lease }]);
  const pages = readRecords(await filled(many), { clock });
  await assert.rejects(importRecords(store, pages, { replace: true }), { code: "STORE_IN_USE" });
  assert.equal((await readImport(store)).record, undefined);
  await store.revokeLease(lease);
});

test("romana store copies sqlite into etcd and back, and names an etcd that is not there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "romana-etcd-copy-"));
  try {
    const [from, back, into] = [
      `sqlite:${folder}/a.db`,
      `sqlite:${folder}/b.db`,
      `etcd:${etcd.urls.join(",")}`,
    ];
    const source = await openStore(from, { clock: systemClock, rng: systemRng, log: silentLog });
    await filled(many, source);
    const before = await pairsOf(source);
    await source.close();
    const said: string[] = [];
    const romanaStore = (...argv: string[]) => run(argv, {}, (line) => said.push(line));
    await romanaStore("copy", from, into);
    await romanaStore("copy", into, back);
    await romanaStore("export", into, `${folder}/backup`);
    await assert.rejects(romanaStore("import", `${folder}/backup`, into), { code: "STORE_NOT_EMPTY" });
    await romanaStore("import", `${folder}/backup`, into, "--replace");
    const target = await openStore(back, { clock: systemClock, rng: systemRng, log: silentLog });
    assert.deepEqual(await pairsOf(target), before);
    await target.close();
    assert.deepEqual(await pairsOf(store), before);
    assert.match(said[0] ?? "", /^etcd:http:.* holds the 2500 records of sqlite:/);
    await assert.rejects(romanaStore("verify", "etcd:nonsense"), /--store: "nonsense": expected endpoints/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
