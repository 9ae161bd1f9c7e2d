// The database file: schema, lock, checks at opening, and the errors of sqlite in our words. Runs in the worker thread.
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { UnavailableError } from "../../base/errors.ts";

export const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE entries (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, create_revision INTEGER NOT NULL, revision INTEGER NOT NULL, lease TEXT
  ) WITHOUT ROWID;
  CREATE TABLE leases (id TEXT PRIMARY KEY, ttl REAL NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Primary result codes: sqlite.org/rescode.html. */
const CODES: Readonly<Record<number, string>> = {
  5: "STORE_LOCKED",
  8: "STORE_READ_ONLY",
  10: "STORE_IO",
  11: "STORE_CORRUPT",
  13: "STORE_FULL",
  14: "STORE_PATH",
  26: "STORE_CORRUPT",
};

export type OpenDatabase = { readonly db: DatabaseSync; readonly clusterId: string; readonly fresh: boolean };

/**
 * Opens and locks `path`, making it if there is none. UnavailableError `STORE_LOCKED` (another process has it), `STORE_CORRUPT` (the
 * file is kept as it is), `STORE_SCHEMA_NEWER`, `STORE_PATH`, `STORE_READ_ONLY`, `STORE_FULL`.
 */
export function openDatabase(path: string): OpenDatabase {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    // Exclusive for as long as the process lives: the kernel drops the lock with it, however it dies.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    db.exec("BEGIN IMMEDIATE");
    const fresh = prepareSchema(db, path);
    db.exec("COMMIT");
    if (!fresh) checkIntegrity(db, path);
    return { db, clusterId: readMeta(db, "cluster-id"), fresh };
  } catch (error) {
    db?.close();
    throw error instanceof UnavailableError ? error : sqliteError(error, path);
  }
}

function prepareSchema(db: DatabaseSync, path: string): boolean {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > SCHEMA_VERSION)
    throw new UnavailableError({
      code: "STORE_SCHEMA_NEWER",
      message: `${path} has schema ${version}, this Romana knows up to ${SCHEMA_VERSION}: use the Romana that wrote it; the file is left as it is`,
    });
  if (version === SCHEMA_VERSION) return false;
  const { tables } = db.prepare("SELECT count(*) AS tables FROM sqlite_master").get() as { tables: number };
  if (tables > 0)
    throw new UnavailableError({
      code: "STORE_CORRUPT",
      message: `${path} is a database of something else; the file is left as it is`,
    });
  db.exec(SCHEMA);
  writeMeta(db, "cluster-id", randomUUID());
  writeMeta(db, "revision", "0");
  return true;
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  const { quick_check: found } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (found !== "ok")
    throw new UnavailableError({
      code: "STORE_CORRUPT",
      message: `${path} is damaged (${found}); the file is left as it is: restore a backup`,
    });
}

export function readMeta(db: DatabaseSync, key: string): string {
  const row = db.prepare("SELECT value FROM meta WHERE key = ?").get(key) as { value: string } | undefined;
  if (!row)
    throw new UnavailableError({
      code: "STORE_CORRUPT",
      message: `the database has no ${key}; the file is left as it is`,
    });
  return row.value;
}

export function writeMeta(db: DatabaseSync, key: string, value: string): void {
  db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(key, value);
}

/** An error of node:sqlite as ours. */
export function sqliteError(error: unknown, path: string): UnavailableError {
  const { errcode, message } = error as { errcode?: number; message?: string };
  const code = CODES[(errcode ?? 0) & 255] ?? "STORE_FAILED";
  const advice =
    code === "STORE_LOCKED"
      ? "another process has it open"
      : code === "STORE_CORRUPT"
        ? "it is not a sound database; the file is left as it is: restore a backup"
        : (message ?? String(error));
  return new UnavailableError(
    { code, message: `${path}: ${advice}`, found: message ?? "" },
    { cause: error },
  );
}
