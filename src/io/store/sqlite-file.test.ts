// The database file: who may open it, which files are refused and left as they are, what a reopened one still knows.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { createFakeClock, type FakeClock } from "../../../test/support/fake-clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { HISTORY_REVISIONS } from "./change-log.ts";
import { openDatabase } from "./sqlite-database.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { openTables, save, write } from "./sqlite-tables.ts";
import type { Operation, Store } from "./store.ts";

function newPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "romana-store-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "romana.db");
}

async function open(t: TestContext, path: string, clock: FakeClock = createFakeClock()): Promise<Store> {
  const store = await openSqliteStore({ path, clock, log: silentLog });
  t.after(() => store.close());
  return store;
}

const put = (key: string, value: string, lease?: string): Operation => ({
  kind: "put",
  key,
  value,
  ...(lease === undefined ? {} : { lease }),
});

/** A closed store with some content. */
async function storeAt(path: string): Promise<void> {
  const store = await openSqliteStore({ path, clock: createFakeClock(), log: silentLog });
  await Promise.all(Array.from({ length: 200 }, (_, i) => store.txn([], [put(`k${i}`, "x".repeat(500))])));
  await store.close();
}

const refuses = async (path: string, code: string, text: RegExp): Promise<void> => {
  await assert.rejects(
    openSqliteStore({ path, clock: createFakeClock(), log: silentLog }),
    (error: unknown) => {
      assert.ok(error instanceof UnavailableError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, text);
      assert.ok(error.message.includes(path), error.message);
      return true;
    },
  );
};

test("a store opened again has its entries, revision, identity and history", async (t) => {
  const path = newPath(t);
  const first = await open(t, path);
  assert.equal(first.identity.fresh, true);
  await first.txn([], [put("a", "1"), put("b", "1")]);
  await first.txn([], [put("a", "2")]);
  await first.txn([], [{ kind: "delete", key: "b" }]);
  const before = await first.list("");
  await first.close();
  const second = await open(t, path);
  assert.deepEqual(second.identity, { clusterId: first.identity.clusterId, fresh: false });
  assert.deepEqual(await second.list(""), before);
  const signal = AbortSignal.timeout(10_000);
  for await (const message of second.watch("", { since: 1, signal })) {
    assert.ok(message.kind === "events");
    const told = message.events.map((event) => (event.kind === "put" ? event.entry.value : event.key));
    assert.deepEqual([told, message.revision], [["2", "b"], before.revision]);
    break;
  }
});

test("what was compacted stays so after a new start", async (t) => {
  const path = newPath(t);
  const first = await open(t, path);
  for (let i = 0; i < 5; i++) await first.txn([], [put("a", String(i))]);
  await first.compact(4);
  await first.close();
  const second = await open(t, path);
  const signal = AbortSignal.timeout(10_000);
  for await (const message of second.watch("", { since: 2, signal }))
    assert.deepEqual(message, { kind: "compacted", oldest: 4 });
});

test("the history does not grow without end, and what is kept is whole", (t) => {
  const { db } = openDatabase(newPath(t));
  t.after(() => db.close());
  const tables = openTables(db);
  const writes = 2 * HISTORY_REVISIONS;
  db.exec("BEGIN");
  for (let i = 0; i < writes; i++) {
    write(tables, { kind: "txn", compares: [], operations: [put("k", String(i))] });
    save(tables);
  }
  db.exec("COMMIT");
  const { compacted } = tables;
  assert.ok(compacted <= writes - HISTORY_REVISIONS && compacted > writes - HISTORY_REVISIONS - 1000);
  const rows = db.prepare("SELECT count(*) AS rows, min(revision) AS first FROM history").get();
  assert.deepEqual({ ...rows }, { rows: writes - compacted, first: compacted + 1 });
});

test("leases end with the process that had the file: whoever held them is gone", async (t) => {
  const path = newPath(t);
  const first = await open(t, path);
  const lease = await first.grantLease(10);
  await first.txn([], [put("a", ""), put("b", "", lease)]);
  await first.close();
  const clock = createFakeClock();
  const second = await open(t, path, clock);
  await clock.advance(1);
  await eventually(async () => {
    const { entries } = await second.list("");
    assert.deepEqual(
      entries.map(({ key }) => key),
      ["a"],
    );
  });
  assert.equal(await second.renewLease(lease), false);
});

test("a file is made where there is none, in a folder that is not there yet, for this user only", async (t) => {
  const path = join(newPath(t), "../a/b/romana.db");
  await (await open(t, path)).close();
  assert.ok(readdirSync(join(path, "..")).includes("romana.db"));
});

test("a second store of this process is refused, until the first is closed", async (t) => {
  const path = newPath(t);
  const first = await open(t, path);
  await refuses(path, "STORE_LOCKED", new RegExp(`this process, ${process.pid}`));
  assert.equal((await first.txn([], [put("a", "1")])).kind, "committed");
  await first.close();
  assert.equal((await (await open(t, path)).get("a")).entry?.value, "1");
});

const HOLDER = join(import.meta.dirname, "../../../test/store/store-process.ts");

test("a second process is refused and told which has the file; it is free when that one is killed", async (t) => {
  const path = newPath(t);
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  await refuses(path, "STORE_LOCKED", new RegExp(`process ${child.pid}`));
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal((await open(t, path)).identity.fresh, false);
});

/** What is in the place of the store, the code that it is refused with and what the message says. */
const refused: readonly [string, (path: string) => void | Promise<void>, string, RegExp][] = [
  ["text", (path) => writeFileSync(path, "hello\n"), "STORE_CORRUPT", /not a database/],
  ["zeros", (path) => writeFileSync(path, Buffer.alloc(8192)), "STORE_CORRUPT", /not a database/],
  [
    "a database of another program",
    (path) => sql(path, "CREATE TABLE t (a)"),
    "STORE_CORRUPT",
    /something else/,
  ],
  [
    "a database with another program's mark",
    (path) => sql(path, "PRAGMA application_id = 7; CREATE TABLE t (a)"),
    "STORE_CORRUPT",
    /something else/,
  ],
  ["a store of a newer schema", (path) => newer(path), "STORE_SCHEMA_NEWER", /schema 2.* up to 1/],
  [
    "a store cut off in the middle",
    (path) => damage(path, (size) => truncateSync(path, size / 2)),
    "STORE_CORRUPT",
    /restore/,
  ],
  [
    "a store cut off to nothing",
    (path) => damage(path, () => truncateSync(path, 0)),
    "STORE_CORRUPT",
    /is empty/,
  ],
  [
    "a store with a page of zeros",
    (path) => damage(path, () => overwrite(path, 8192, 4096)),
    "STORE_CORRUPT",
    /damaged/,
  ],
  [
    "a store with a broken header",
    (path) => damage(path, () => overwrite(path, 0, 16)),
    "STORE_CORRUPT",
    /not a database/,
  ],
  ["a store without its identity", (path) => nameless(path), "STORE_CORRUPT", /identity/],
  ["a folder", (path) => void mkdirSync(path), "STORE_PATH", /no file/],
  ["a pipe", (path) => void execFileSync("mkfifo", [path]), "STORE_PATH", /no file/],
];

for (const [name, make, code, text] of refused)
  test(`${name} in its place is refused, left as it is and not started empty: ${code}`, async (t) => {
    const path = newPath(t);
    await make(path);
    const before = contentOf(path);
    await refuses(path, code, text);
    assert.ok(contentOf(path).equals(before), "the file was changed");
  });

test("a path below a file is refused", async (t) => {
  const path = newPath(t);
  writeFileSync(path, "");
  await refuses(join(path, "x.db"), "STORE_PATH", /unable to open/);
  await refuses(join(path, "folder/x.db"), "STORE_PATH", /ENOTDIR/);
});

test("an empty file that was never a store becomes one: a first start may have been cut off there", async (t) => {
  const path = newPath(t);
  writeFileSync(path, "");
  assert.equal((await open(t, path)).identity.fresh, true);
});

function contentOf(path: string): Buffer {
  const found = statSync(path);
  if (found.isDirectory()) return Buffer.from(readdirSync(path).join());
  return found.isFile() ? readFileSync(path) : Buffer.from("neither");
}

function sql(path: string, text: string): void {
  const db = new DatabaseSync(path);
  db.exec(text);
  db.close();
}
async function newer(path: string): Promise<void> {
  await storeAt(path);
  sql(path, "PRAGMA user_version = 2");
}
async function nameless(path: string): Promise<void> {
  await storeAt(path);
  sql(path, "DELETE FROM store");
}
async function damage(path: string, how: (size: number) => void): Promise<void> {
  await storeAt(path);
  how(readFileSync(path).length);
}
function overwrite(path: string, from: number, length: number): void {
  const content = readFileSync(path);
  content.fill(0, from, from + length);
  writeFileSync(path, content);
}
