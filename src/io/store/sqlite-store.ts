// The embedded store: one sqlite file, one worker thread that owns it. Transactions that wait are committed together, with one sync
// of the disk; watchers hear of each before its caller does.
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type ChangeLog, createChangeLog } from "./change-log.ts";
import { checkTxn } from "./check-txn.ts";
import { checkTtl, Leases } from "./leases.ts";
import { ABSENT, type TxnAnswer, type WorkerHello } from "./sqlite-messages.ts";
import { SqlitePort } from "./sqlite-port.ts";
import type { Compare, LeaseId, Operation, Page, Store, TxnResult, WatchEvent } from "./store.ts";

export type SqliteStoreOptions = { readonly path: string; readonly clock: Clock; readonly log: Log };
type Opened = Extract<WorkerHello, { kind: "open" }>;
type Deps = { readonly clock: Clock; readonly log: Log };

/** Of this process; the lock on the file keeps out only others (fcntl(2)). */
const openPaths = new Set<string>();

/** Rejects with the errors of `openDatabase` in sqlite-database.ts. */
export async function openSqliteStore({ path: given, clock, log }: SqliteStoreOptions): Promise<Store> {
  const path = resolve(given);
  if (openPaths.has(path))
    throw new UnavailableError({
      code: "STORE_LOCKED",
      message: `${path}: in use by this process, ${process.pid}`,
    });
  openPaths.add(path);
  // Not this process's own flags: some of them no thread takes.
  const worker = new Worker(workerUrl(), { workerData: { path }, execArgv: [] });
  worker.once("exit", () => openPaths.delete(path));
  try {
    const opened = await greet(worker);
    const { revision, fresh, clusterId } = opened;
    log.info("store opened", { path, revision, fresh, clusterId });
    return new SqliteStore(worker, opened, { clock, log });
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

/** In development the sources run as they are. */
const workerUrl = (): URL =>
  new URL(import.meta.url.endsWith(".ts") ? "./sqlite-worker.ts" : "./sqlite-worker.js", import.meta.url);

/** Takes off its own listeners only: the worker has some of its own, without which it hears nothing. */
async function greet(worker: Worker): Promise<Opened> {
  const { promise, resolve, reject } = Promise.withResolvers<WorkerHello>();
  const ended = (): void => reject(new UnavailableError({ code: "STORE_DIED" }));
  worker.once("message", resolve).once("error", reject).once("exit", ended);
  const hello = await promise.finally(() => worker.off("error", reject).off("exit", ended));
  if (hello.kind === "refused") throw new UnavailableError(hello.refusal);
  return hello;
}

class SqliteStore implements Store {
  readonly identity: Store["identity"];
  readonly #port: SqlitePort;
  readonly #changes: ChangeLog;
  readonly #leases: Leases;
  readonly #log: Log;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker, opened: Opened, { clock, log }: Deps) {
    this.identity = { clusterId: opened.clusterId, fresh: opened.fresh };
    this.#log = log;
    this.#port = new SqlitePort(worker, { clock, onDeath: (reason) => this.#fail(reason) });
    const history = (prefix: string, after: number) =>
      this.#port.ask({ kind: "history", prefix, after }, (page) => page);
    this.#changes = createChangeLog({ ...opened, history });
    this.#leases = new Leases(clock, (lease) => this.#expire(lease));
    // The file is one process's: whoever held a lease is gone. They end at once, and again while the disk is full.
    for (const { id } of opened.leases) this.#leases.add(id, 0);
  }

  get: Store["get"] = (key) => this.#port.ask({ kind: "get", key }, (found) => found);

  list: Store["list"] = (prefix, options) =>
    this.#port.ask({ kind: "list", prefix, ...options }, (found) => found);

  async *snapshot(prefix: string): AsyncGenerator<Page> {
    const snapshot = randomUUID();
    let isLast = false;
    try {
      while (!isLast) {
        const page = await this.#port.ask({ kind: "snapshot", snapshot, prefix }, (found) => found);
        isLast = page.isLast;
        yield { entries: page.entries, revision: page.revision };
      }
    } finally {
      if (!isLast) await this.#endSnapshot(snapshot);
    }
  }

  watch: Store["watch"] = (prefix, options) => this.#changes.watch(prefix, options);

  async txn(compares: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult> {
    checkTxn(compares, operations);
    const request = { kind: "txn", compares, operations } as const;
    return this.#port.ask(request, (answer) => taken(answer, operations, this.#changes));
  }

  async grantLease(ttl: number): Promise<LeaseId> {
    checkTtl(ttl);
    const lease = randomUUID();
    return this.#port.ask({ kind: "grant", lease, ttl }, () => {
      this.#leases.add(lease, ttl);
      return lease;
    });
  }

  renewLease = async (id: LeaseId): Promise<boolean> => this.#leases.renew(id);

  async revokeLease(id: LeaseId): Promise<void> {
    await this.#revoke(id);
    this.#leases.remove(id);
  }

  compact: Store["compact"] = (revision) =>
    this.#port.ask({ kind: "compact", revision }, () => this.#changes.compact(revision));

  close = (): Promise<void> => (this.#closing ??= this.#end());

  /** A store that does not answer has told its reader, or will tell the next who asks. */
  #endSnapshot(snapshot: string): Promise<void> {
    const ended = this.#port.ask({ kind: "end-snapshot", snapshot }, () => undefined);
    return ended.catch(() => undefined);
  }

  #revoke(lease: LeaseId): Promise<void> {
    return this.#port.ask({ kind: "revoke", lease }, ({ events, revision }) => {
      if (events.length > 0) this.#changes.append(revision, events);
    });
  }

  async #expire(lease: LeaseId): Promise<void> {
    await this.#revoke(lease).catch((error: unknown) => {
      this.#log.warn("expired lease not removed", { lease, error: String(error) });
      throw error;
    });
  }

  async #end(): Promise<void> {
    const reason = new UnavailableError({ code: "STORE_CLOSED" });
    this.#leases.close(reason);
    const closing = this.#port.close(reason);
    await closing.catch((error: unknown) => this.#log.warn("store closed badly", { error: String(error) }));
    this.#changes.close(reason);
  }

  #fail(reason: UnavailableError): void {
    this.#log.error("store failed", { error: reason.message, cause: String(reason.cause) });
    this.#leases.close(reason);
    this.#changes.close(reason);
  }
}

function taken(answer: TxnAnswer, operations: readonly Operation[], changes: ChangeLog): TxnResult {
  if (answer.kind === "conflict") return answer;
  const { revision, effects } = answer;
  const events = operations.flatMap((operation, i) => eventsOf(operation, revision, effects[i] ?? ABSENT));
  if (events.length > 0) changes.append(revision, events);
  return { kind: "committed", revision };
}

function eventsOf(operation: Operation, revision: number, effect: number): WatchEvent[] {
  if (effect === ABSENT) return [];
  if (operation.kind === "delete") return [{ kind: "delete", key: operation.key, revision }];
  const { key, value, lease } = operation;
  const entry = { key, value, createRevision: effect, revision, ...(lease === undefined ? {} : { lease }) };
  return [{ kind: "put", entry }];
}
