// The store's semantics in SQL: each function is one request, run inside a transaction that its caller commits.
// Never begins or commits by itself.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { UnavailableError } from "../../base/errors.ts";
import { HISTORY_REVISIONS, type HistoryPage } from "./change-log.ts";
import { compareKeys, endOfPrefix } from "./key-order.ts";
import { ABSENT, DELETED, type ReadRequest, type TxnAnswer, type WriteRequest } from "./sqlite-messages.ts";
import { Snapshots } from "./sqlite-snapshots.ts";
import type { Compare, Entry, Operation, WatchEvent } from "./store.ts";

/** `revision` and `compacted` run ahead of the database within a transaction; `load` takes them back after a rollback. */
export type Tables = {
  readonly db: DatabaseSync;
  readonly sql: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;
  readonly snapshots: Snapshots;
  revision: number;
  compacted: number;
  /** As the database has them. */
  saved: { readonly revision: number; readonly compacted: number };
};

/** Above every key: a blob sorts after all texts (sqlite.org/datatype3.html#sort_order). */
const NO_END = new Uint8Array();
const NO_LIMIT = -1;
const PAGE = 1000;
/** History is dropped in chunks, not with every transaction. */
const SLACK = 500;

const STATEMENTS = {
  load: "SELECT revision, compacted FROM store",
  save: "UPDATE store SET revision = ?, compacted = ?",
  get: "SELECT * FROM entries WHERE key = ?",
  revision: "SELECT revision FROM entries WHERE key = ?",
  newer: "SELECT 1 FROM entries WHERE key >= ? AND key < ? AND revision > ? LIMIT 1",
  // One lower bound each: of two sqlite takes the first to seek with, and walks from there to the other.
  list: "SELECT * FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
  listAfter: "SELECT * FROM entries WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
  put:
    "INSERT INTO entries VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT (key) DO UPDATE" +
    " SET value = ?2, revision = ?3, lease = ?4 RETURNING create_revision",
  delete: "DELETE FROM entries WHERE key = ?",
  leased: "SELECT key FROM entries WHERE lease = ? ORDER BY key",
  lease: "SELECT 1 FROM leases WHERE id = ?",
  grant: "INSERT INTO leases VALUES (?, ?)",
  revoke: "DELETE FROM leases WHERE id = ?",
  record: "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)",
  forget: "DELETE FROM history WHERE revision <= ?",
  pageEnd: "SELECT revision FROM history WHERE revision > ? ORDER BY revision, place LIMIT 1 OFFSET ?",
  page: "SELECT * FROM history WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision, place",
} as const;

export function openTables(db: DatabaseSync): Tables {
  const prepared = Object.entries(STATEMENTS).map(([name, text]) => [name, db.prepare(text)]);
  const sql = Object.fromEntries(prepared) as Tables["sql"];
  const saved = { revision: 0, compacted: 0 };
  const tables = { db, sql, snapshots: new Snapshots(), ...saved, saved };
  load(tables);
  return tables;
}

export function load(tables: Tables): void {
  tables.saved = tables.sql.load.get() as Tables["saved"];
  Object.assign(tables, tables.saved);
}

/** Makes `revision` and `compacted` durable with the rest, and drops history beyond HISTORY_REVISIONS. */
export function save(tables: Tables): void {
  if (tables.revision - tables.compacted > HISTORY_REVISIONS + SLACK)
    compact(tables, tables.revision - HISTORY_REVISIONS);
  const { revision, compacted, saved } = tables;
  // Conflicts alone cost no sync of the disk.
  if (revision === saved.revision && compacted === saved.compacted) return;
  tables.sql.save.run(revision, compacted);
  tables.saved = { revision, compacted };
}

export function leasesOf({ db }: Tables): { id: string; ttl: number }[] {
  const rows = db.prepare("SELECT id, ttl FROM leases").all() as { id: string; ttl: number }[];
  return rows.map(({ id, ttl }) => ({ id, ttl }));
}

/** UnavailableError `LEASE_GONE`, before anything is changed. */
export function write(tables: Tables, request: WriteRequest): unknown {
  switch (request.kind) {
    case "txn":
      return commit(tables, request.compares, request.operations);
    case "grant":
      tables.sql.grant.run(request.lease, request.ttl);
      return undefined;
    case "revoke":
      return revoke(tables, request.lease);
    case "compact":
      return compact(tables, Math.min(request.revision, tables.revision));
  }
}

export function read(tables: Tables, request: Exclude<ReadRequest, { kind: "close" }>): unknown {
  const { revision } = tables;
  switch (request.kind) {
    case "get":
      return { entry: entryAt(tables, request.key), revision };
    case "list":
      return { entries: list(tables, request.prefix, request.after, request.limit), revision };
    case "snapshot":
      return tables.snapshots.next(request.snapshot, request.prefix, revision, (...range) =>
        list(tables, ...range),
      );
    case "end-snapshot":
      return tables.snapshots.close(request.snapshot);
    case "history":
      return history(tables, request);
  }
}

function entryAt({ sql }: Tables, key: string): Entry | undefined {
  const row = sql.get.get(key) as Row | undefined;
  return row && entryOf(row);
}

function list({ sql }: Tables, prefix: string, after = "", limit = NO_LIMIT): Entry[] {
  const isAfter = compareKeys(after, prefix) >= 0;
  const [statement, from] = isAfter ? [sql.listAfter, after] : [sql.list, prefix];
  return (statement.all(from, endOf(prefix), limit) as Row[]).map(entryOf);
}

function commit(tables: Tables, compares: readonly Compare[], operations: readonly Operation[]): TxnAnswer {
  const failed = compares.flatMap((compare, i) => (holds(tables, compare) ? [] : [i]));
  if (failed.length > 0) return { kind: "conflict", revision: tables.revision, failed };
  for (const operation of operations) if (operation.kind === "put") checkLease(tables, operation.lease);
  const revision = tables.revision + 1;
  const effects = operations.map((operation, place) => apply(tables, operation, revision, place));
  if (effects.some((effect) => effect !== ABSENT)) tables.revision = revision;
  return { kind: "committed", revision: tables.revision, effects };
}

function holds({ sql }: Tables, compare: Compare): boolean {
  if (compare.kind === "unchanged-since")
    return sql.newer.get(compare.prefix, endOf(compare.prefix), compare.revision) === undefined;
  const row = sql.revision.get(compare.key) as { revision: number } | undefined;
  return (row?.revision ?? 0) === compare.revision;
}

function checkLease({ sql }: Tables, lease: string | undefined): void {
  if (lease !== undefined && !sql.lease.get(lease)) throw new UnavailableError({ code: "LEASE_GONE", lease });
}

/** See `TxnAnswer.effects`. */
function apply(tables: Tables, operation: Operation, revision: number, place: number): number {
  const { sql, snapshots } = tables;
  const { key } = operation;
  snapshots.keep(key, (each) => entryAt(tables, each));
  if (operation.kind === "delete") {
    if (sql.delete.run(key).changes === 0) return ABSENT;
    sql.record.run(revision, place, key, null, 0, null);
    return DELETED;
  }
  const { value, lease = null } = operation;
  const row = sql.put.get(key, value, revision, lease) as { create_revision: number };
  sql.record.run(revision, place, key, value, row.create_revision, lease);
  return row.create_revision;
}

function revoke(tables: Tables, lease: string): { events: WatchEvent[]; revision: number } {
  tables.sql.revoke.run(lease);
  const rows = tables.sql.leased.all(lease) as { key: string }[];
  if (rows.length > 0) tables.revision++;
  const { revision } = tables;
  rows.forEach(({ key }, place) => apply(tables, { kind: "delete", key }, revision, place));
  return { events: rows.map(({ key }) => ({ kind: "delete", key, revision })), revision };
}

function compact(tables: Tables, revision: number): undefined {
  if (revision <= tables.compacted) return;
  tables.sql.forget.run(revision);
  tables.compacted = revision;
}

/** About PAGE changes, of whole revisions. */
function history(
  { sql, revision, compacted }: Tables,
  { prefix, after }: { prefix: string; after: number },
): HistoryPage {
  const end = sql.pageEnd.get(after, PAGE) as { revision: number } | undefined;
  const upTo = end?.revision ?? revision;
  const rows = sql.page.all(after, upTo, prefix, endOf(prefix)) as HistoryRow[];
  return { events: rows.map(eventOf), upTo, compacted };
}

const endOf = (prefix: string): string | Uint8Array => endOfPrefix(prefix) ?? NO_END;

type Row = {
  readonly key: string;
  readonly value: string;
  readonly create_revision: number;
  readonly revision: number;
  readonly lease: string | null;
};
type HistoryRow = Omit<Row, "value"> & { readonly value: string | null };

function eventOf({ value, ...row }: HistoryRow): WatchEvent {
  if (value === null) return { kind: "delete", key: row.key, revision: row.revision };
  return { kind: "put", entry: entryOf({ ...row, value }) };
}

function entryOf({ key, value, create_revision: createRevision, revision, lease }: Row): Entry {
  return { key, value, createRevision, revision, ...(lease === null ? {} : { lease }) };
}
