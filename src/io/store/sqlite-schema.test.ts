// Tables of an older schema are taken to this one, whole or not at all, and never back.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { openDatabase } from "./sqlite-database.ts";

const folder = mkdtempSync(join(tmpdir(), "romana-schema-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = (): string => join(folder, `${files++}.db`);

/** The tables as 3.0.0-alpha.1 made them. */
const FIRST = `
  CREATE TABLE store (cluster_id TEXT NOT NULL, revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
  CREATE TABLE entries (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, create_revision INTEGER NOT NULL, revision INTEGER NOT NULL, lease TEXT
  ) WITHOUT ROWID;
  CREATE INDEX entries_of_lease ON entries (lease) WHERE lease IS NOT NULL;
  CREATE TABLE history (
    revision INTEGER NOT NULL, place INTEGER NOT NULL,
    key TEXT NOT NULL, value TEXT, create_revision INTEGER NOT NULL, lease TEXT,
    PRIMARY KEY (revision, place)
  ) WITHOUT ROWID;
  CREATE TABLE leases (id TEXT PRIMARY KEY, ttl INTEGER NOT NULL) WITHOUT ROWID;
  PRAGMA application_id = 0x526f6d61;
`;
const SECOND = "ALTER TABLE entries ADD COLUMN written_by TEXT; UPDATE entries SET written_by = 'unknown'";

/** A file of the first schema with one entry, closed; its identity. */
function firstFile(path: string): string {
  const { db } = openDatabase(path, [FIRST]);
  db.exec("INSERT INTO entries VALUES ('k', 'v', 1, 1, NULL)");
  const { cluster_id } = db.prepare("SELECT cluster_id FROM store").get() as { cluster_id: string };
  db.close();
  return cluster_id;
}

const isNewer =
  (found: number, newest: number) =>
  (error: unknown): boolean =>
    error instanceof UnavailableError &&
    error.code === "STORE_SCHEMA_NEWER" &&
    error.message.includes(`has schema ${found}, this Romana knows up to ${newest}`);

test("a file of the first release is opened by this program", () => {
  const path = newPath();
  const id = firstFile(path);
  const { db, fresh } = openDatabase(path);
  assert.equal(fresh, false);
  assert.deepEqual({ ...db.prepare("SELECT value FROM entries").get() }, { value: "v" });
  assert.deepEqual({ ...db.prepare("SELECT cluster_id FROM store").get() }, { cluster_id: id });
  db.close();
});

test("tables of an older schema become those of this one, with all that is in them, and are made so at once where there are none", () => {
  const path = newPath();
  firstFile(path);
  for (const [each, rows] of [
    [path, [{ key: "k", written_by: "unknown" }]],
    [newPath(), []],
  ] as const) {
    const { db } = openDatabase(each, [FIRST, SECOND]);
    const found = db.prepare("SELECT key, written_by FROM entries").all();
    assert.deepEqual(
      found.map((row) => ({ ...row })),
      rows,
    );
    db.close();
  }
});

test("there is no way back: both versions are named, and the file stays as it is", () => {
  const path = newPath();
  openDatabase(path, [FIRST, SECOND]).db.close();
  const before = readFileSync(path);
  assert.throws(() => openDatabase(path, [FIRST]), isNewer(2, 1));
  assert.deepEqual(readFileSync(path), before);
});

test("nor is there where the newer schema is in the log beside the file only, as after a kill", () => {
  const [path, killed] = [newPath(), newPath()];
  firstFile(path);
  const { db } = openDatabase(path, [FIRST, SECOND]);
  for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, killed + suffix);
  db.close();
  assert.equal(readFileSync(killed).readUInt32BE(60), 1);
  assert.throws(() => openDatabase(killed, [FIRST]), isNewer(2, 1));
  assert.ok(existsSync(killed));
});

test("a step that fails leaves the schema before it", () => {
  const path = newPath();
  firstFile(path);
  assert.throws(() => openDatabase(path, [FIRST, SECOND, "DROP TABLE nothing"]), UnavailableError);
  const { db } = openDatabase(path, [FIRST]);
  assert.deepEqual(
    { ...db.prepare("SELECT * FROM entries").get() },
    {
      key: "k",
      value: "v",
      create_revision: 1,
      revision: 1,
      lease: null,
    },
  );
  db.close();
});
