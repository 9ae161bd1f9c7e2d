// Stores, and backups of them as text.
import { buffer } from "node:stream/consumers";
import { createFakeClock } from "./fake-clock.ts";
import { KEY_PREFIX } from "../../src/core/model/keys.ts";
import { createMemoryStore, type MemoryStoreOptions } from "../../src/io/store/memory-store.ts";
import type { Operation, Store } from "../../src/io/store/store.ts";
import type { Pair } from "../../src/io/store/backup/backup-lines.ts";
import { readRecords } from "../../src/io/store/backup/read-records.ts";
import { writeBackup } from "../../src/io/store/backup/write-backup.ts";

export const clock = createFakeClock();

export const memoryStore = (faults?: MemoryStoreOptions["faults"]): Store =>
  createMemoryStore({ clock, ...(faults ? { faults } : {}) });

/** Keys without the prefix. */
export async function filled(
  records: Readonly<Record<string, string>>,
  store = memoryStore(),
): Promise<Store> {
  const operations = Object.entries(records).map(([name, value]): Operation => ({
    kind: "put",
    key: KEY_PREFIX + name,
    value,
  }));
  for (let i = 0; i < operations.length; i += 100) await store.txn([], operations.slice(i, i + 100));
  return store;
}

export async function pairsOf(store: Store): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const page of readRecords(store, { clock })) pairs.push(...page.pairs);
  return pairs.map(({ key, value }) => ({ key, value }));
}

export const backupOf = (store: Store): Promise<Buffer> => buffer(writeBackup(readRecords(store, { clock })));

/** In pieces of `size` bytes. */
export async function* inChunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}
