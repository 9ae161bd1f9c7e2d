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
import { checkTtl, createLeases } from "./leases.ts";
import { ABSENT, type TxnAnswer, type WorkerHello } from "./sqlite-messages.ts";
import { type SqlitePort, startSqlitePort } from "./sqlite-port.ts";
import type { Operation, Store, TxnResult, WatchEvent } from "./store.ts";

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
  const worker = new Worker(workerUrl(), { workerData: { path } });
  try {
    const opened = await greet(worker);
    worker.once("exit", () => openPaths.delete(path));
    const { revision, fresh, clusterId } = opened;
    log.info("store opened", { path, revision, fresh, clusterId });
    return createSqliteStore(worker, opened, { clock, log });
  } catch (error) {
    await worker.terminate();
    openPaths.delete(path);
    throw error;
  }
}

/** In development the sources run as they are. */
const workerUrl = (): URL =>
  new URL(import.meta.url.endsWith(".ts") ? "./sqlite-worker.ts" : "./sqlite-worker.js", import.meta.url);

async function greet(worker: Worker): Promise<Opened> {
  const hello = await new Promise<WorkerHello>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  // Not all listeners: the worker has some of its own, without which it hears nothing.
  worker.removeAllListeners("error");
  if (hello.kind === "refused") throw new UnavailableError(hello.refusal);
  return hello;
}

function createSqliteStore(worker: Worker, opened: Opened, { clock, log }: Deps): Store {
  const port = startSqlitePort(worker, {
    clock,
    onDeath(reason) {
      log.error("store failed", { error: reason.message, cause: String(reason.cause) });
      changes.close(reason);
    },
  });
  const changes = createChangeLog({
    ...opened,
    history: (prefix, after) => port.ask({ kind: "history", prefix, after }, (page) => page),
  });
  const revoke = (lease: string): Promise<void> =>
    port.ask({ kind: "revoke", lease }, ({ events, revision }) => {
      if (events.length > 0) changes.append(revision, events);
    });
  const leases = createLeases(clock, async (lease) => {
    await revoke(lease).catch((error: unknown) => {
      log.warn("expired lease not removed", { lease, error: String(error) });
      throw error;
    });
  });
  // Nobody could renew while the store was closed.
  for (const { id, ttl } of opened.leases) leases.add(id, ttl);
  const { clusterId, fresh } = opened;
  return { identity: { clusterId, fresh }, ...dataMethods(port, changes), ...leaseMethods(), close };

  function leaseMethods(): Pick<Store, "grantLease" | "renewLease" | "revokeLease"> {
    return {
      async grantLease(ttl) {
        checkTtl(ttl);
        const lease = randomUUID();
        return port.ask({ kind: "grant", lease, ttl }, () => {
          leases.add(lease, ttl);
          return lease;
        });
      },
      renewLease: async (id) => leases.renew(id),
      async revokeLease(id) {
        await revoke(id);
        leases.remove(id);
      },
    };
  }

  async function close(): Promise<void> {
    leases.close();
    const reason = new UnavailableError({ code: "STORE_CLOSED" });
    const closing = port.ask({ kind: "close" }, () => undefined);
    await closing.catch((error: unknown) => log.warn("store closed badly", { error: String(error) }));
    changes.close(reason);
    await port.close(reason);
  }
}

function dataMethods(
  port: SqlitePort,
  changes: ChangeLog,
): Pick<Store, "get" | "list" | "watch" | "txn" | "compact"> {
  return {
    get: (key) => port.ask({ kind: "get", key }, (found) => found),
    list: (prefix, options) => port.ask({ kind: "list", prefix, ...options }, (found) => found),
    watch: (prefix, options) => changes.watch(prefix, options),
    async txn(compares, operations) {
      checkTxn(compares, operations);
      return port.ask({ kind: "txn", compares, operations }, (answer) => taken(answer, operations, changes));
    },
    compact: (revision) => port.ask({ kind: "compact", revision }, () => changes.compact(revision)),
  };
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
