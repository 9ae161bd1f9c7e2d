// A store in memory: the reference of the semantics, and what unit tests and `--store memory` run on. Forgets all when it ends.
import { randomUUID } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { type ChangeLog, createChangeLog } from "./change-log.ts";
import { checkTxn } from "./check-txn.ts";
import { compareKeys, lowerBound } from "./key-order.ts";
import { checkTtl, Leases } from "./leases.ts";
import type {
  Compare,
  Entry,
  LeaseId,
  Operation,
  Page,
  Store,
  TxnResult,
  WatchEvent,
  WatchMessage,
} from "./store.ts";

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

const SNAPSHOT_PAGE = 1000;

export const createMemoryStore = (options: MemoryStoreOptions): Store => new MemoryStore(options);

class MemoryStore implements Store {
  readonly identity = { clusterId: randomUUID(), fresh: true };
  readonly #table: Table = {
    entries: new Map(),
    keys: [],
    revision: 0,
    log: createChangeLog({ revision: 0, compacted: 0 }),
  };
  readonly #leases: Leases;
  readonly #faults: MemoryStoreOptions["faults"];
  #closed: UnavailableError | undefined;

  constructor({ clock, faults }: MemoryStoreOptions) {
    this.#leases = new Leases(clock, async (id) => dropLease(this.#table, id));
    this.#faults = faults;
  }

  get: Store["get"] = (key) =>
    this.#run("get", () => ({ entry: this.#table.entries.get(key), revision: this.#table.revision }));

  list: Store["list"] = (prefix, options) => this.#run("list", () => list(this.#table, prefix, options));

  async *snapshot(prefix: string): AsyncGenerator<Page> {
    // Entries are never changed, only replaced: the list stays what it was.
    const { entries, revision } = await this.#run("snapshot", () => list(this.#table, prefix));
    for (let i = 0; i === 0 || i < entries.length; i += SNAPSHOT_PAGE)
      yield await this.#run("snapshot", () => ({ entries: entries.slice(i, i + SNAPSHOT_PAGE), revision }));
  }

  async *watch(...[prefix, options]: Parameters<Store["watch"]>): AsyncGenerator<WatchMessage> {
    await this.#run("watch", () => undefined);
    yield* this.#table.log.watch(prefix, options);
  }

  async txn(compares: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult> {
    checkTxn(compares, operations);
    return this.#run("txn", () => {
      for (const operation of operations) if (operation.kind === "put") this.#checkLease(operation.lease);
      return commit(this.#table, compares, operations);
    });
  }

  async grantLease(ttl: number): Promise<LeaseId> {
    checkTtl(ttl);
    return this.#run("grantLease", () => {
      const id = randomUUID();
      this.#leases.add(id, ttl);
      return id;
    });
  }

  renewLease: Store["renewLease"] = (id) => this.#run("renewLease", () => this.#leases.renew(id));

  revokeLease: Store["revokeLease"] = (id) =>
    this.#run("revokeLease", () => {
      this.#leases.remove(id);
      dropLease(this.#table, id);
    });

  compact: Store["compact"] = (revision) => this.#run("compact", () => this.#table.log.compact(revision));

  async close(): Promise<void> {
    this.#closed ??= new UnavailableError({ code: "STORE_CLOSED" });
    this.#leases.close(this.#closed);
    this.#table.log.close(this.#closed);
  }

  async #run<T>(method: StoreMethod, work: () => T): Promise<T> {
    if (this.#closed) throw this.#closed;
    await this.#faults?.(method);
    return work();
  }

  #checkLease(lease: LeaseId | undefined): void {
    if (lease !== undefined && !this.#leases.has(lease))
      throw new UnavailableError({ code: "LEASE_GONE", lease });
  }
}

function list(
  { entries, keys, revision }: Table,
  prefix: string,
  { limit = Infinity, after }: { limit?: number; after?: string } = {},
): Page {
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
