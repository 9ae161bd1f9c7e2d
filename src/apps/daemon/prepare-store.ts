// Before the first record is read: the store is whole, its records are of this program's schema, and what agents will know it by.
import type { Log } from "../../base/log.ts";
import { clusterOf } from "../../core/model/import-record.ts";
import { readWholeImport, settleImport } from "../../io/store/store-state.ts";
import type { Store } from "../../io/store/store.ts";
import { upgradeStore } from "../../io/store/upgrade-store.ts";

export type Prepared = {
  /** What agents compare: revisions count only within it. */
  readonly cluster: string;
  /** The store was once filled from a backup. */
  readonly isImported: boolean;
};

/** UnavailableError `STORE_IMPORT_UNFINISHED`, `STORE_SCHEMA_NEWER`, `STORE_GARBAGE`. */
export async function prepareStore(store: Store, log: Log): Promise<Prepared> {
  const record = await readWholeImport(store);
  const upgrade = await upgradeStore(store);
  if (upgrade) log.info("records upgraded", upgrade);
  if (record?.state === "unsettled") {
    await settleImport(store);
    log.warn("restored from a backup: nothing is handed out until all hosts have reported", record);
  }
  return { cluster: clusterOf(store.identity.clusterId, record), isImported: record !== undefined };
}
