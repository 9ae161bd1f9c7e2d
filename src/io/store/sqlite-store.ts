// The embedded store: one sqlite file, one worker thread. Transactions that wait are committed together, with one sync of the disk.
import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type ChangeLog, createChangeLog } from "./change-log.ts";
import { checkTxn } from "./check-txn.ts";
import { checkTtl, createLeases } from "./leases.ts";
import type { Txn, TxnOutcome, WorkerHello, WorkerReply, WorkerRequest } from "./sqlite-messages.ts";
import type { LeaseId, Operation, Store, TxnResult, WatchEvent } from "./store.ts";

/** In one sqlite transaction at most. */
const GROUP = 256;
const NO_LIMIT = -1;

export type SqliteStoreOptions = { readonly path: string; readonly clock: Clock; readonly log: Log };

/** Rejects with the errors of `openDatabase` in sqlite-database.ts. */
export async function openSqliteStore({ path, clock, log }: SqliteStoreOptions): Promise<Store> {
  const worker = new Worker(
    new URL(import.meta.url.endsWith(".ts") ? "./sqlite-worker.ts" : "./sqlite-worker.js", import.meta.url),
    { workerData: { path } },
  );
  const hello = await new Promise<WorkerHello>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  if (hello.kind === "refused") {
    await worker.terminate();
    throw new UnavailableError({ code: hello.code, message: hello.message, path });
  }
  log.info("store opened", { path, revision: hello.revision, fresh: hello.fresh });
  return sqliteStore(startPort(worker), hello, { clock, log });
}

type DistributiveOmit<T, K extends keyof never> = T extends unknown ? Omit<T, K> : never;
type Ask = DistributiveOmit<WorkerRequest, "id">;
type Port = { ask(request: Ask): Promise<WorkerReply>; close(): Promise<void> };

/** Requests to the worker in order; its death fails all of them. */
function startPort(worker: Worker): Port {
  const pending = new Map<
    number,
    { resolve: (reply: WorkerReply) => void; reject: (error: Error) => void }
  >();
  let [nextId, dead] = [0, undefined as UnavailableError | undefined];
  const bury = (cause: unknown): void => {
    dead ??= new UnavailableError({ code: "STORE_CLOSED" }, { cause });
    for (const { reject } of pending.values()) reject(dead);
    pending.clear();
  };
  worker.on("message", (reply: WorkerReply) => {
    pending.get(reply.id)?.resolve(reply);
    pending.delete(reply.id);
  });
  worker.on("error", bury);
  worker.on("exit", () => {
    bury(undefined);
  });
  const ask = async (request: Ask): Promise<WorkerReply> => {
    if (dead) throw dead;
    const id = nextId++;
    const reply = await new Promise<WorkerReply>((resolve, reject) => {
      pending.set(id, { resolve, reject });
      worker.postMessage({ ...request, id });
    });
    if (reply.kind === "failed") throw new UnavailableError({ code: reply.code, message: reply.message });
    return reply;
  };
  return {
    ask,
    close: async () => {
      if (!dead) await ask({ kind: "close" });
      bury(undefined);
      await worker.terminate();
    },
  };
}

type Waiting = Txn & {
  readonly resolve: (result: TxnResult) => void;
  readonly reject: (error: unknown) => void;
};

/** Commits what waits, group by group: while one is on its way to the disk the next gathers. */
function startCommitter(port: Port, log: ChangeLog): (txn: Txn) => Promise<TxnResult> {
  let queue: Waiting[] = [];
  let busy = false;
  const pump = async (): Promise<void> => {
    busy = true;
    while (queue.length > 0) {
      const group = queue.slice(0, GROUP);
      queue = queue.slice(GROUP);
      try {
        const reply = await port.ask({
          kind: "txns",
          txns: group.map(({ compares, operations }) => ({ compares, operations })),
        });
        if (reply.kind === "txns") reply.outcomes.forEach((outcome, i) => settle(group[i], outcome, log));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    busy = false;
  };
  return (txn) =>
    new Promise((resolve, reject) => {
      queue.push({ ...txn, resolve, reject });
      // After this turn's other callers have queued theirs.
      if (!busy) queueMicrotask(() => void (busy || pump()));
    });
}

/** Watches hear of a transaction before its caller does. */
function settle(waiting: Waiting | undefined, outcome: TxnOutcome, log: ChangeLog): void {
  if (!waiting) return;
  if (outcome.kind === "conflict") return waiting.resolve(outcome);
  const { revision, effective, created } = outcome;
  if (effective.length > 0)
    log.append(
      revision,
      effective.flatMap((at, i) => eventOf(waiting.operations[at], revision, created[i] ?? revision)),
    );
  waiting.resolve({ kind: "committed", revision });
}

function eventOf(operation: Operation | undefined, revision: number, createRevision: number): WatchEvent[] {
  if (!operation) return [];
  if (operation.kind === "delete") return [{ kind: "delete", key: operation.key, revision }];
  const { key, value, lease } = operation;
  return [
    {
      kind: "put",
      entry: { key, value, createRevision, revision, ...(lease === undefined ? {} : { lease }) },
    },
  ];
}

// long: the interface, method by method, over the port
function sqliteStore(
  port: Port,
  hello: Extract<WorkerHello, { kind: "open" }>,
  { clock, log }: { clock: Clock; log: Log },
): Store {
  const changes = createChangeLog(hello.revision);
  const commit = startCommitter(port, changes);
  const leases = createLeases(clock, (id) => {
    // Tried again when the next renewal of anybody comes, or at the next start: a lease outlives a full disk.
    dropLease(id).catch((error: unknown) => {
      log.warn("lease not dropped", { lease: id, error: String(error) });
    });
  });
  const dropLease = async (lease: LeaseId): Promise<void> => {
    const reply = await port.ask({ kind: "drop-lease", lease });
    if (reply.kind === "dropped" && reply.keys.length > 0)
      changes.append(
        reply.revision,
        reply.keys.map((key) => ({ kind: "delete", key, revision: reply.revision })),
      );
  };
  for (const { id, ttl } of hello.leases) leases.add(id, ttl);
  const entriesOf = (reply: WorkerReply) => (reply.kind === "entries" ? reply : { entries: [], revision: 0 });
  return {
    identity: { clusterId: hello.clusterId, fresh: hello.fresh },
    async get(key) {
      const { entries, revision } = entriesOf(await port.ask({ kind: "get", key }));
      return { entry: entries[0], revision };
    },
    async list(prefix, { limit = NO_LIMIT, after } = {}) {
      return entriesOf(await port.ask({ kind: "list", prefix, limit, after }));
    },
    watch: (prefix, options) => changes.watch(prefix, options),
    async txn(compares, operations) {
      checkTxn(compares, operations);
      return commit({ compares, operations });
    },
    async grantLease(ttl) {
      checkTtl(ttl);
      const lease = randomUUID();
      await port.ask({ kind: "put-lease", lease, ttl });
      leases.add(lease, ttl);
      return lease;
    },
    renewLease: async (id) => leases.renew(id),
    async revokeLease(id) {
      leases.remove(id);
      await dropLease(id);
    },
    compact: async (revision) => {
      changes.compact(revision);
    },
    async close() {
      leases.close();
      changes.close();
      await port.close();
    },
  };
}
