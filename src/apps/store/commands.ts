// What `romana store` does: from a store or a backup to another, and whether it can be read. Says what it did in a line.
import { UnavailableError } from "../../base/errors.ts";
import { readBackupFile, saveBackup } from "../../io/store/backup/backup-file.ts";
import type { Header } from "../../io/store/backup/backup-lines.ts";
import { importRecords, type Imported } from "../../io/store/backup/import-records.ts";
import { readBackup } from "../../io/store/backup/read-backup.ts";
import { readRecords } from "../../io/store/backup/read-records.ts";
import { writeBackup } from "../../io/store/backup/write-backup.ts";
import { isStoreText, openExistingStore, openStore, type OpenDeps } from "../../io/store/open-store.ts";
import type { Store } from "../../io/store/store.ts";
import type { StoreConfig } from "./config.ts";
import { examine, type Examined } from "./examine.ts";

export type StoreDeps = OpenDeps & {
  readonly config: StoreConfig;
  readonly say: (line: string) => void;
};

export async function exportStore(from: string, to: string, deps: StoreDeps): Promise<void> {
  await withStore(openExistingStore(from, deps, deps.config), async (store) => {
    const { header, entries } = await saveBackup(to, bytesOf(writeBackup(readRecords(store, deps))));
    deps.say(`${to} holds the ${entries} records of ${from}, ${describe(header)}`);
  });
}

/** Nothing is opened, let alone written, before the whole backup is known to be right. */
export async function importBackup(from: string, to: string, deps: StoreDeps): Promise<void> {
  tellGarbage(await examine(readBackup(readBackupFile(from), from)), deps);
  await withStore(openStore(to, deps, deps.config), async (store) => {
    const pages = readBackup(readBackupFile(from), from);
    const imported = await importRecords(store, pages, deps.config);
    tellFilled(from, to, imported, deps);
  });
}

export async function copyStore(from: string, to: string, deps: StoreDeps): Promise<void> {
  await withStore(openExistingStore(from, deps, deps.config), (source) =>
    withStore(openStore(to, deps, deps.config), async (target) => {
      const imported = await importRecords(target, readRecords(source, deps), deps.config);
      tellFilled(from, to, imported, deps);
    }),
  );
}

/** Whether all is well. */
export async function verify(what: string, deps: StoreDeps): Promise<boolean> {
  if (!isStoreText(what))
    return tellExamined(what, await examine(readBackup(readBackupFile(what), what)), deps);
  return withStore(openExistingStore(what, deps, deps.config), async (store) =>
    tellExamined(what, await examine(readRecords(store, deps)), deps),
  );
}

function tellFilled(from: string, to: string, { header, entries }: Imported, { say }: StoreDeps): void {
  say(`${to} holds the ${entries} records of ${from}, ${describe(header)}`);
  say("a daemon on it hands out nothing until every host in it has reported what is alive");
}

function tellExamined(what: string, examined: Examined, deps: StoreDeps): boolean {
  const kinds = [...examined.kinds].map(([kind, count]) => `${count} ${kind}`).join(", ");
  deps.say(`${what} is whole, ${describe(examined.header)}: ${kinds || "no records"}`);
  tellGarbage(examined, deps);
  return examined.garbage.length === 0;
}

function tellGarbage({ garbage }: Examined, { say }: StoreDeps): void {
  for (const line of garbage) say(`cannot be read: ${line}`);
}

const describe = ({ cluster, revision, schema, taken }: Header): string =>
  `cluster ${cluster} at revision ${revision}, schema ${schema}, ${taken}`;

async function withStore<T>(opening: Promise<Store>, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await opening.catch((error: unknown) => {
    throw error instanceof UnavailableError && error.code === "STORE_LOCKED" ? inUse(error) : error;
  });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const inUse = ({ code, message }: UnavailableError): UnavailableError =>
  new UnavailableError({
    code,
    message: `${message}: stop the daemon first, or ask it for a backup while it runs: romana backup FILE`,
  });

async function* bytesOf(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text);
}
