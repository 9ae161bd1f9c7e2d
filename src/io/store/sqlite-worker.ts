// The worker thread that owns the database: sqlite is synchronous, and a slow disk must delay no watch.
// Every list of requests is one group commit.
import { parentPort, workerData } from "node:worker_threads";
import { BugError, UnavailableError } from "../../base/errors.ts";
import { openDatabase, sqliteError } from "./sqlite-database.ts";
import type {
  ReadRequest,
  Refusal,
  WorkerHello,
  WorkerReply,
  WorkerRequest,
  WriteRequest,
} from "./sqlite-messages.ts";
import { leasesOf, load, openTables, read, save, type Tables, write } from "./sqlite-tables.ts";

const port = parentPort;
if (!port) throw new BugError({ code: "WORKER_WITHOUT_PARENT" });
const { path } = workerData as { path: string };
start(port.postMessage.bind(port));

function start(post: (message: WorkerHello | readonly WorkerReply[]) => void): void {
  let opened: { tables: Tables; fresh: boolean };
  try {
    const { db, fresh } = openDatabase(path);
    opened = { tables: openTables(db), fresh };
  } catch (error) {
    post({ kind: "refused", refusal: refusalOf(error) });
    return;
  }
  const { tables, fresh } = opened;
  port?.on("message", (requests: readonly WorkerRequest[]) => serve(tables, requests, post));
  const { cluster_id: clusterId } = tables.db.prepare("SELECT cluster_id FROM store").get() as {
    cluster_id: string;
  };
  const { revision, compacted } = tables;
  post({ kind: "open", clusterId, fresh, revision, compacted, leases: leasesOf(tables) });
}

type Numbered<R> = { readonly id: number; readonly request: R };

/** Writes first, and answered before the reads: these see only what is durable, and a long list holds up no transaction. */
function serve(
  tables: Tables,
  requests: readonly WorkerRequest[],
  post: (replies: readonly WorkerReply[]) => void,
): void {
  const writes: Numbered<WriteRequest>[] = [];
  const reads: Numbered<ReadRequest>[] = [];
  requests.forEach((request, id) => {
    if (isWrite(request)) writes.push({ id, request });
    else reads.push({ id, request });
  });
  if (writes.length > 0) post(commitGroup(tables, writes));
  if (reads.length > 0) post(reads.map((each) => answer(tables, each)));
}

const isWrite = (request: WorkerRequest): request is WriteRequest =>
  request.kind === "txn" ||
  request.kind === "grant" ||
  request.kind === "revoke" ||
  request.kind === "compact";

function answer(tables: Tables, { id, request }: Numbered<ReadRequest>): WorkerReply {
  try {
    if (request.kind !== "close") return { id, answer: read(tables, request) } as WorkerReply;
    tables.db.close();
    return { id, answer: undefined };
  } catch (error) {
    return { id, refusal: refusalOf(error) };
  }
}

/** All with one sync of the disk; if that fails, each on its own: one that cannot succeed spoils no other. */
function commitGroup(tables: Tables, writes: readonly Numbered<WriteRequest>[]): WorkerReply[] {
  const before = tables.revision;
  try {
    tables.db.exec("BEGIN IMMEDIATE");
    const replies = writes.map((each) => apply(tables, each));
    save(tables);
    tables.db.exec("COMMIT");
    return replies;
  } catch (error) {
    rollBack(tables);
    if (tables.revision !== before) throw new BugError({ code: "STORE_COMMITTED_IN_PART" }, { cause: error });
    if (writes.length > 1) return writes.flatMap((each) => commitGroup(tables, [each]));
    return writes.map(({ id }) => ({ id, refusal: refusalOf(error) }));
  }
}

/** A request that is refused has changed nothing; an error of sqlite fails the group. */
function apply(tables: Tables, { id, request }: Numbered<WriteRequest>): WorkerReply {
  try {
    return { id, answer: write(tables, request) } as WorkerReply;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return { id, refusal: refusalOf(error) };
  }
}

/** Some errors, a full disk among them, have rolled back already (sqlite.org/lang_transaction.html). */
function rollBack(tables: Tables): void {
  if (tables.db.isTransaction) tables.db.exec("ROLLBACK");
  load(tables);
}

function refusalOf(error: unknown): Refusal {
  const { code, message } = sqliteError(error, path);
  return { code, message };
}
