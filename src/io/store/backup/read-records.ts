// The records of a store as they are at one revision, a page at a time: never all in memory.
import type { Clock } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { KEY_PREFIX } from "../../../core/model/keys.ts";
import { decodeSchema, schemaKey } from "../../../core/model/schema.ts";
import type { Page, Store } from "../store.ts";
import { isRecord, readSchema, readWholeImport } from "../store-state.ts";
import { BACKUP_FORMAT, type Header, type RecordPage } from "./backup-lines.ts";

/**
 * At least one page, whatever is written meanwhile. UnavailableError as the store's, as those of store-state.ts, and `STORE_UPGRADING`.
 */
export async function* readRecords(store: Store, { clock }: { clock: Clock }): AsyncGenerator<RecordPage> {
  const imported = await readWholeImport(store);
  const { record: schema } = await readSchema(store);
  let header: Header | undefined;
  for await (const page of store.snapshot(KEY_PREFIX)) {
    refuseUpgrade(page, schema.version);
    header ??= {
      romana_backup: BACKUP_FORMAT,
      cluster: store.identity.clusterId,
      generation: imported?.generation ?? 0,
      revision: page.revision,
      schema: schema.version,
      taken: new Date(clock.now()).toISOString(),
    };
    yield { header, pairs: page.entries.filter(isRecord) };
  }
}

/** Some records would be of another schema than the header says. */
function refuseUpgrade({ entries }: Page, version: number): void {
  const entry = entries.find(({ key }) => key === schemaKey);
  if (!entry) return;
  const found = decodeSchema(entry.value);
  if (found.upgrade || found.version !== version)
    throw new UnavailableError({
      code: "STORE_UPGRADING",
      message: "the store's records are being upgraded to another schema: start the daemon to complete it",
    });
}
