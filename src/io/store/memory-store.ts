// A store in memory: the reference of the semantics, and what unit tests and `--store memory` run on. Forgets all when it ends.
import { randomUUID } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { type ChangeLog, createChangeLog } from "./change-log.ts";
import { checkTxn } from "./check-txn.ts";
import { compareKeys, lowerBound } from "./key-order.ts";
import { checkTtl, createLeases } from "./leases.ts";
import type { Compare, Entry, LeaseId, Operation, Store, TxnResult, WatchEvent } from "./store.ts";

export type StoreMethod = Exclude<keyof Store, "identity">;

export type MemoryStoreOptions = {
  readonly clock: Clock;
  /** Called before each operation with its name: tests throw from here what a store could, or take their time. */
  readonly faults?: (method: StoreMethod) => void | Promise<void>;
};

type Table = {
  readonly entries: Map<string, Entry>;
  keys: string[];
  revision: number;
  readonly log: ChangeLog;
};

export function createMemoryStore({ clock, faults }: MemoryStoreOptions): Store {
  const log = createChangeLog({ revision: 0, compacted: 0 });
  const table: Table = { entries: new Map(), keys: [], revision: 0, log };
  const leases = createLeases(clock, async (id) => dropLease(table, id));
  let closed: UnavailableError | undefined;
  async function run<T>(method: StoreMethod, work: () => T): Promise<T> {
    if (closed) throw closed;
    await faults?.(method);
    return work();
  }
  return {
    identity: { clusterId: randomUUID(), fresh: true },
    get: (key) => run("get", () => ({ entry: table.entries.get(key), revision: table.revision })),
    list: (prefix, options) => run("list", () => list(table, prefix, options)),
    async *watch(prefix, options) {
      await run("watch", () => undefined);
      yield* log.watch(prefix, options);
    },
    async txn(compares, operations) {
      checkTxn(compares, operations);
      return run("txn", () => {
        for (const operation of operations) if (operation.kind === "put") checkLease(operation.lease);
        return commit(table, compares, operations);
      });
    },
    async grantLease(ttl) {
      checkTtl(ttl);
      return run("grantLease", () => {
        const id = randomUUID();
        leases.add(id, ttl);
        return id;
      });
    },
    renewLease: (id) => run("renewLease", () => leases.renew(id)),
    revokeLease: (id) =>
      run("revokeLease", () => {
        leases.remove(id);
        dropLease(table, id);
      }),
    compact: (revision) => run("compact", () => log.compact(revision)),
    async close() {
      closed ??= new UnavailableError({ code: "STORE_CLOSED" });
      leases.close();
      log.close(closed);
    },
  };

  function checkLease(lease: LeaseId | undefined): void {
    if (lease !== undefined && !leases.has(lease)) throw new UnavailableError({ code: "LEASE_GONE", lease });
  }
}

function list(
  { entries, keys, revision }: Table,
  prefix: string,
  { limit = Infinity, after }: { limit?: number; after?: string } = {},
): { entries: Entry[]; revision: number } {
  const found: Entry[] = [];
  const isAfter = after !== undefined && compareKeys(after, prefix) >= 0;
  for (let i = lowerBound(keys, isAfter ? after : prefix); i < keys.length && found.length < limit; i++) {
    const entry = entries.get(keys[i] ?? "");
    if (!entry || entry.key === after) continue;
    if (!entry.key.startsWith(prefix)) break;
    found.push(entry);
  }
  return { entries: found, revision };
}

function holds({ entries }: Table, compare: Compare): boolean {
  if (compare.kind === "revision") return (entries.get(compare.key)?.revision ?? 0) === compare.revision;
  const { prefix, revision } = compare;
  return !entries.values().some((entry) => entry.revision > revision && entry.key.startsWith(prefix));
}

function commit(table: Table, compares: readonly Compare[], operations: readonly Operation[]): TxnResult {
  const failed = compares.flatMap((compare, i) => (holds(table, compare) ? [] : [i]));
  if (failed.length > 0) return { kind: "conflict", revision: table.revision, failed };
  const effective = operations.filter(({ kind, key }) => kind === "put" || table.entries.has(key));
  if (effective.length > 0) {
    const revision = ++table.revision;
    const events = effective.map((operation) => apply(table, operation, revision));
    table.log.append(revision, events);
  }
  return { kind: "committed", revision: table.revision };
}

function apply(table: Table, operation: Operation, revision: number): WatchEvent {
  const { entries, keys } = table;
  const { key } = operation;
  const before = entries.get(key);
  if (operation.kind === "delete") {
    entries.delete(key);
    keys.splice(lowerBound(keys, key), 1);
    return { kind: "delete", key, revision };
  }
  if (!before) keys.splice(lowerBound(keys, key), 0, key);
  const { value, lease } = operation;
  const createRevision = before?.createRevision ?? revision;
  const entry: Entry = { key, value, createRevision, revision, ...(lease === undefined ? {} : { lease }) };
  entries.set(key, entry);
  return { kind: "put", entry };
}

/** All keys of a lease go at one revision. */
function dropLease(table: Table, lease: LeaseId): void {
  const keys = [...table.entries.values().filter((entry) => entry.lease === lease)].map(({ key }) => key);
  commit(
    table,
    [],
    keys.sort(compareKeys).map((key) => ({ kind: "delete", key })),
  );
}
