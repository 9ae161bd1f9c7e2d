// A store in memory: the reference of the semantics, and what unit tests and `--store memory` run on.
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { createChangeLog } from "./change-log.ts";
import { checkTxn } from "./check-txn.ts";
import { checkTtl, createLeases } from "./leases.ts";
import type { Compare, Entry, LeaseId, Operation, Store, TxnResult, WatchEvent } from "./store.ts";

export type MemoryStoreOptions = {
  readonly clock: Clock;
  /** Called before each operation with its name: tests throw from here what a store could. */
  readonly faults?: (operation: keyof Store) => void;
};

let made = 0;

// long: the interface, method by method, over one map
export function createMemoryStore({ clock, faults = () => undefined }: MemoryStoreOptions): Store {
  const entries = new Map<string, Entry>();
  const log = createChangeLog(0);
  let [revision, leaseCount, closed] = [0, 0, false];
  const clusterId = `memory-${++made}-${Math.floor(clock.now())}`;

  const enter = (operation: keyof Store): void => {
    if (closed) throw new UnavailableError({ code: "STORE_CLOSED" });
    faults(operation);
  };
  const holds = (compare: Compare): boolean =>
    compare.kind === "revision"
      ? (entries.get(compare.key)?.revision ?? 0) === compare.revision
      : ![...entries.values()].some(
          (entry) => entry.key.startsWith(compare.prefix) && entry.revision > compare.revision,
        );
  const commit = (compares: readonly Compare[], operations: readonly Operation[]): TxnResult => {
    const failed = compares.flatMap((compare, i) => (holds(compare) ? [] : [i]));
    if (failed.length > 0) return { kind: "conflict", revision, failed };
    const effective = operations.filter(({ kind, key }) => kind === "put" || entries.has(key));
    if (effective.length === 0) return { kind: "committed", revision };
    revision++;
    log.append(
      revision,
      effective.map((operation) => execute(entries, operation, revision)),
    );
    return { kind: "committed", revision };
  };
  const leases = createLeases(clock, (id) => dropLease(id));
  const dropLease = (id: LeaseId): void => {
    const keys = [...entries.values()].filter((entry) => entry.lease === id).map(({ key }) => key);
    commit(
      [],
      keys.map((key) => ({ kind: "delete", key })),
    );
  };

  return {
    identity: { clusterId, fresh: true },
    async get(key) {
      enter("get");
      return { entry: entries.get(key), revision };
    },
    async list(prefix, { limit, after } = {}) {
      enter("list");
      const found = [...entries.values()].filter(
        ({ key }) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0),
      );
      found.sort((a, b) => compareKeys(a.key, b.key));
      return { entries: limit === undefined ? found : found.slice(0, limit), revision };
    },
    watch(prefix, options) {
      enter("watch");
      return log.watch(prefix, options);
    },
    async txn(compares, operations) {
      checkTxn(compares, operations);
      enter("txn");
      return commit(compares, operations);
    },
    async grantLease(ttl) {
      enter("grantLease");
      checkTtl(ttl);
      const id = `lease-${++leaseCount}`;
      leases.add(id, ttl);
      return id;
    },
    async renewLease(id) {
      enter("renewLease");
      return leases.renew(id);
    },
    async revokeLease(id) {
      enter("revokeLease");
      leases.remove(id);
      dropLease(id);
    },
    async compact(until) {
      enter("compact");
      log.compact(until);
    },
    async close() {
      closed = true;
      leases.close();
      log.close();
    },
  };
}

function execute(entries: Map<string, Entry>, operation: Operation, revision: number): WatchEvent {
  if (operation.kind === "delete") {
    entries.delete(operation.key);
    return { kind: "delete", key: operation.key, revision };
  }
  const { key, value, lease } = operation;
  const entry: Entry = {
    key,
    value,
    createRevision: entries.get(key)?.createRevision ?? revision,
    revision,
    ...(lease === undefined ? {} : { lease }),
  };
  entries.set(key, entry);
  return { kind: "put", entry };
}

/** Byte order of UTF-8, as etcd and sqlite sort. */
const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
