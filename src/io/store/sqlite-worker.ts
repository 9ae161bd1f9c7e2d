// The worker thread that owns the database: sqlite is synchronous, and a slow disk must delay no watch.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { BugError, UnavailableError } from "../../base/errors.ts";
import { type OpenDatabase, openDatabase, readMeta, sqliteError, writeMeta } from "./sqlite-database.ts";
import type { Txn, TxnOutcome, WorkerHello, WorkerReply, WorkerRequest } from "./sqlite-messages.ts";
import type { Compare, Entry, Operation } from "./store.ts";

type Row = { key: string; value: string; create_revision: number; revision: number; lease: string | null };
type Statements = Readonly<Record<"get" | "newer" | "list" | "put" | "delete" | "leased", StatementSync>>;
type Session = {
  readonly db: DatabaseSync;
  readonly path: string;
  readonly statements: Statements;
  revision: number;
};

/** Greater than every key that begins with `prefix`: keys are UTF-8, where no byte is 0xff. */
const endOf = (prefix: string): string => `${prefix}\u{10ffff}\u{10ffff}`;

const port = parentPort;
if (!port) throw new BugError({ code: "WORKER_WITHOUT_PARENT" });
const { path } = workerData as { path: string };
start();

function start(): void {
  let opened: OpenDatabase;
  try {
    opened = openDatabase(path);
  } catch (error) {
    const { code, message } = error instanceof UnavailableError ? error : sqliteError(error, path);
    port?.postMessage({ kind: "refused", code, message } satisfies WorkerHello);
    return;
  }
  const { db, clusterId, fresh } = opened;
  const session: Session = { db, path, statements: prepare(db), revision: Number(readMeta(db, "revision")) };
  const leases = db.prepare("SELECT id, ttl FROM leases").all() as { id: string; ttl: number }[];
  port?.on("message", (request: WorkerRequest) => {
    port?.postMessage(serve(session, request));
  });
  port?.postMessage({
    kind: "open",
    clusterId,
    fresh,
    revision: session.revision,
    leases: leases.map(({ id, ttl }) => ({ id, ttl })),
  } satisfies WorkerHello);
}

function prepare(db: DatabaseSync): Statements {
  return {
    get: db.prepare("SELECT * FROM entries WHERE key = ?"),
    newer: db.prepare("SELECT 1 FROM entries WHERE key >= ? AND key < ? AND revision > ? LIMIT 1"),
    list: db.prepare("SELECT * FROM entries WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?"),
    put: db.prepare(
      "INSERT INTO entries VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, lease = excluded.lease RETURNING create_revision",
    ),
    delete: db.prepare("DELETE FROM entries WHERE key = ?"),
    leased: db.prepare("SELECT key FROM entries WHERE lease = ? ORDER BY key"),
  };
}

function serve(session: Session, request: WorkerRequest): WorkerReply {
  const { id } = request;
  try {
    switch (request.kind) {
      case "txns":
        return {
          id,
          kind: "txns",
          outcomes: inTransaction(session, () => request.txns.map((txn) => commit(session, txn))),
        };
      case "get":
        return {
          id,
          kind: "entries",
          entries: (session.statements.get.all(request.key) as Row[]).map(entryOf),
          revision: session.revision,
        };
      case "list":
        return { id, kind: "entries", entries: list(session, request), revision: session.revision };
      case "drop-lease":
        return { id, kind: "dropped", ...inTransaction(session, () => dropLease(session, request.lease)) };
      case "put-lease":
        session.db.prepare("INSERT OR REPLACE INTO leases VALUES (?, ?)").run(request.lease, request.ttl);
        return { id, kind: "done" };
      case "close":
        session.db.close();
        return { id, kind: "done" };
    }
  } catch (error) {
    const { code, message } = error instanceof UnavailableError ? error : sqliteError(error, session.path);
    return { id, kind: "failed", code, message };
  }
}

/** One durable sqlite transaction; whatever fails in it, nothing of it happened. */
function inTransaction<T>(session: Session, work: () => T): T {
  const before = session.revision;
  session.db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    if (session.revision !== before) writeMeta(session.db, "revision", String(session.revision));
    session.db.exec("COMMIT");
    return result;
  } catch (error) {
    session.revision = before;
    if (session.db.isTransaction) session.db.exec("ROLLBACK");
    throw error;
  }
}

function commit(session: Session, { compares, operations }: Txn): TxnOutcome {
  const failed = compares.flatMap((compare, i) => (holds(session, compare) ? [] : [i]));
  if (failed.length > 0) return { kind: "conflict", revision: session.revision, failed };
  const revision = session.revision + 1;
  const effective: number[] = [];
  const created: number[] = [];
  operations.forEach((operation, i) => {
    const made = execute(session, operation, revision);
    if (made === undefined) return;
    effective.push(i);
    created.push(made);
  });
  if (effective.length > 0) session.revision = revision;
  return { kind: "committed", revision: session.revision, effective, created };
}

function holds({ statements }: Session, compare: Compare): boolean {
  if (compare.kind === "unchanged-since")
    return statements.newer.get(compare.prefix, endOf(compare.prefix), compare.revision) === undefined;
  const row = statements.get.get(compare.key) as Row | undefined;
  return (row?.revision ?? 0) === compare.revision;
}

/** The revision at which the key was made (0 for a delete); `undefined`: there was nothing to delete. */
function execute({ statements }: Session, operation: Operation, revision: number): number | undefined {
  if (operation.kind === "delete") return statements.delete.run(operation.key).changes === 0 ? undefined : 0;
  const row = statements.put.get(
    operation.key,
    operation.value,
    revision,
    revision,
    operation.lease ?? null,
  ) as { create_revision: number };
  return row.create_revision;
}

function list(
  { statements }: Session,
  { prefix, limit, after }: { prefix: string; limit: number; after: string | undefined },
): Entry[] {
  return (statements.list.all(prefix, endOf(prefix), after ?? "", limit) as Row[]).map(entryOf);
}

function dropLease(session: Session, lease: string): { keys: string[]; revision: number } {
  const keys = (session.statements.leased.all(lease) as { key: string }[]).map(({ key }) => key);
  if (keys.length > 0) session.revision++;
  for (const key of keys) session.statements.delete.run(key);
  session.db.prepare("DELETE FROM leases WHERE id = ?").run(lease);
  return { keys, revision: session.revision };
}

function entryOf({ key, value, create_revision: createRevision, revision, lease }: Row): Entry {
  return { key, value, createRevision, revision, ...(lease === null ? {} : { lease }) };
}
