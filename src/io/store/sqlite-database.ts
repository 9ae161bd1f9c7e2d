// The database file: schema, lock, checks at opening, and the errors of sqlite in our words. Runs in the worker thread.
// Never changes a file that it refuses.
import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { UnavailableError } from "../../base/errors.ts";

/** "Roma": tells our files from others (sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x526f6d61;
/** SQL that takes tables of schema n to schema n + 1; the first makes them. What a release had stays as it was. */
const STEPS: readonly string[] = [
  `
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
  PRAGMA application_id = ${APPLICATION_ID};
  `,
];
/** Reading a larger file whole would hold up the start: damage is then found when it is met. */
const MAX_CHECKED_BYTES = 256 * 2 ** 20;

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
const KEPT = "the file is left as it is";

export type OpenDatabase = { readonly db: DatabaseSync; readonly fresh: boolean };

/**
 * Opens and locks `path`, making it if there is none. UnavailableError `STORE_LOCKED` (another process has it), `STORE_CORRUPT`,
 * `STORE_SCHEMA_NEWER`, `STORE_PATH`, `STORE_READ_ONLY`, `STORE_FULL`, `STORE_IO`.
 */
export function openDatabase(path: string, steps: readonly string[] = STEPS): OpenDatabase {
  let db: DatabaseSync | undefined;
  try {
    makeFolder(dirname(path));
    checkHeader(path, steps.length);
    db = new DatabaseSync(path, { timeout: 0 });
    // Before anything is read: otherwise a shared-memory file is made, for which a full disk has no room.
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    checkOwner(db, path);
    const fresh = lock(db, path, steps);
    writeFileSync(pidFile(path), `${process.pid}\n`);
    if (!fresh) checkIntegrity(db, path);
    return { db, fresh };
  } catch (error) {
    db?.close();
    throw sqliteError(error, path);
  }
}

/** Not by node's own `recursive`: below /proc, where nobody makes a folder, it tries for ever. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/**
 * Exclusive for as long as the process lives: the kernel drops the lock with it, however it dies. All steps or none; returns whether the
 * tables were made.
 */
function lock(db: DatabaseSync, path: string, steps: readonly string[]): boolean {
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  db.exec("BEGIN IMMEDIATE");
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  // The file's header is behind what its log holds.
  refuseNewer(path, version, steps.length);
  for (const step of steps.slice(version)) db.exec(step);
  if (version === 0) db.prepare("INSERT INTO store VALUES (?, 0, 0)").run(randomUUID());
  if (version < steps.length) db.exec(`PRAGMA user_version = ${steps.length}`);
  db.exec("COMMIT");
  return version === 0;
}

/** The first 100 bytes tell what the file is, without opening it as a database, which may write (sqlite.org/fileformat2.html#the_database_header). */
function checkHeader(path: string, newest: number): void {
  const header = readHeader(path);
  if (header === undefined) return;
  if (header.length === 0) {
    if (existsSync(pidFile(path))) throw corrupt(path, "it is empty and was a store before");
    return;
  }
  if (header.length < 100 || header.toString("latin1", 0, 16) !== "SQLite format 3\0")
    throw corrupt(path, "it is not a database");
  const version = header.readUInt32BE(60);
  const application = header.readUInt32BE(68);
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0)) throw foreign(path);
  refuseNewer(path, version, newest);
}

function refuseNewer(path: string, version: number, newest: number): void {
  if (version <= newest) return;
  throw new UnavailableError({
    code: "STORE_SCHEMA_NEWER",
    message: `${path} has schema ${version}, this Romana knows up to ${newest}: start the one that wrote it; ${KEPT}`,
  });
}

/** Closing any descriptor of a file drops this process's locks on it (fcntl(2)): never call this for a file that is open here. */
function readHeader(path: string): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  // A pipe would be waited for, a device is no place for records.
  if (!statSync(path).isFile())
    throw new UnavailableError({ code: "STORE_PATH", message: `${path}: it is no file` });
  // For writing too, though nothing is: who may not is told here, and not by sqlite as a broken disk.
  const file = openSync(path, "r+");
  try {
    const header = Buffer.alloc(100);
    return header.subarray(0, readSync(file, header, 0, 100, 0));
  } finally {
    closeSync(file);
  }
}

/** A database without our mark is one that was cut off while it was made, and has nothing in it, or somebody else's. */
function checkOwner(db: DatabaseSync, path: string): void {
  const { application_id: application } = db.prepare("PRAGMA application_id").get() as {
    application_id: number;
  };
  if (application !== APPLICATION_ID && countTables(db) > 0) throw foreign(path);
}

function countTables(db: DatabaseSync): number {
  return (db.prepare("SELECT count(*) AS tables FROM sqlite_master").get() as { tables: number }).tables;
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  if (statSync(path).size <= MAX_CHECKED_BYTES) {
    const { quick_check: found } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (found !== "ok") throw corrupt(path, `it is damaged: ${found}`);
  }
  const { rows } = db.prepare("SELECT count(*) AS rows FROM store").get() as { rows: number };
  if (rows !== 1) throw corrupt(path, "it has lost its identity");
}

const corrupt = (path: string, found: string): UnavailableError =>
  new UnavailableError({ code: "STORE_CORRUPT", message: `${path}: ${found}; ${KEPT}: restore a backup` });

const foreign = (path: string): UnavailableError => corrupt(path, "it is a database of something else");

const pidFile = (path: string): string => `${path}-pid`;

/** An error of node:sqlite or of the file system as ours. */
export function sqliteError(error: unknown, path: string): UnavailableError {
  if (error instanceof UnavailableError) return error;
  const { errcode, code: system, message = String(error) } = error as Partial<ErrnoError>;
  const code =
    errcode === undefined
      ? system === "ENOSPC"
        ? "STORE_FULL"
        : "STORE_PATH"
      : (CODES[errcode & 255] ?? "STORE_FAILED");
  if (code === "STORE_CORRUPT") return corrupt(path, message);
  const text = code === "STORE_LOCKED" ? `in use by ${holder(path)}` : message;
  return new UnavailableError({ code, message: `${path}: ${text}` }, { cause: error });
}

type ErrnoError = { readonly errcode: number; readonly code: string; readonly message: string };

/** The pid as the holder left it beside the file; it means nothing across pid namespaces. */
function holder(path: string): string {
  try {
    return `process ${readFileSync(pidFile(path), "utf8").trim()}`;
  } catch {
    return "another process";
  }
}
