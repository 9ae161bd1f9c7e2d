// Before the first record is read: the store is whole, its records are of this program's schema, and what agents will know it by.
import type { Log } from "../../base/log.ts";
import { clusterOf } from "../../core/model/import-record.ts";
import { readWholeImport } from "../../io/store/store-state.ts";
import type { Store } from "../../io/store/store.ts";
import { upgradeStore } from "../../io/store/upgrade-store.ts";

export type Prepared = {
  /** What agents compare: revisions count only within it. */
  readonly cluster: string;
  /** Of a store that was filled from a backup: whether its hosts were heard since. */
  readonly imported: "unsettled" | "settled" | undefined;
};

/** UnavailableError `STORE_IMPORT_UNFINISHED`, `STORE_SCHEMA_NEWER`, `STORE_GARBAGE`. */
export async function prepareStore(store: Store, log: Log): Promise<Prepared> {
  const record = await readWholeImport(store);
  const upgrade = await upgradeStore(store);
  if (upgrade) log.info("records upgraded", upgrade);
  const imported = record && (record.state === "settled" ? "settled" : "unsettled");
  if (imported === "unsettled")
    log.warn("restored from a backup: nothing is handed out until all hosts have reported", record);
  return { cluster: clusterOf(store.identity.clusterId, record), imported };
}
