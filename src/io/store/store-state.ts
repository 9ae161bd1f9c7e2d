// What a store says of itself, beside its records: their schema, the import that filled it, and whether the daemon knows what is alive. Looked
// at before any record is.
import { UnavailableError } from "../../base/errors.ts";
import { encodeAdoption } from "../../core/model/adoption-record.ts";
import { decodeImport, encodeImport, importKey, type ImportRecord } from "../../core/model/import-record.ts";
import { adoptionKey, reportedKey } from "../../core/model/keys.ts";
import { decodeSchema, RECORDS_SCHEMA, schemaKey, type SchemaRecord } from "../../core/model/schema.ts";
import type { Entry, Store } from "./store.ts";

/** Not what hangs on a lease, as whoever holds it is not moved, nor what the store says of itself. */
export const isRecord = ({ key, lease }: Entry): boolean =>
  lease === undefined && key !== schemaKey && key !== importKey && !isOfAdoption(key);

/** What daemons knew of the records that were there before. */
export const isOfAdoption = (key: string): boolean => key === adoptionKey || key.startsWith(reportedKey(""));

/** A key's record, and the revision of its last write; `undefined` and 0 where it is absent. */
type Found<T> = { readonly record: T; readonly revision: number };

/** Version 0: the store does not say, as before there was a second schema. UnavailableError `STORE_SCHEMA_NEWER` than `newest`. */
export async function readSchema(store: Store, newest = RECORDS_SCHEMA): Promise<Found<SchemaRecord>> {
  const { entry } = await store.get(schemaKey);
  const record = entry ? decodeSchema(entry.value) : { version: 0 };
  refuseNewer(record, newest);
  return { record, revision: entry?.revision ?? 0 };
}

export async function readImport(store: Store): Promise<Found<ImportRecord | undefined>> {
  const { entry } = await store.get(importKey);
  return { record: entry && decodeImport(entry.value), revision: entry?.revision ?? 0 };
}

/** The last import, of a store that is whole. UnavailableError `STORE_IMPORT_UNFINISHED`. */
export async function readWholeImport(store: Store): Promise<ImportRecord | undefined> {
  const { record } = await readImport(store);
  if (record) refuseUnfinished(record);
  return record;
}

/** For whoever follows the store: throws as the functions above when it stops being one that this program can work on. */
export function refuseStateEntry(key: string, value: string): void {
  if (key === schemaKey) refuseNewer(decodeSchema(value), RECORDS_SCHEMA);
  if (key === importKey) refuseUnfinished(decodeImport(value));
}

/** What has lived since the backup is lost, until it is adopted. Another daemon may say so first. */
export async function settleImport(store: Store): Promise<void> {
  const { record, revision } = await readImport(store);
  if (record?.state !== "unsettled") return;
  await store.txn(
    [{ kind: "revision", key: importKey, revision }],
    [
      { kind: "put", key: importKey, value: encodeImport({ ...record, state: "settled" }) },
      { kind: "put", key: adoptionKey, value: encodeAdoption({ round: 1, state: "lost" }) },
    ],
  );
}

function refuseNewer({ version, upgrade }: SchemaRecord, newest: number): void {
  const found = Math.max(version, upgrade?.to ?? 0);
  if (found <= newest) return;
  throw new UnavailableError({
    code: "STORE_SCHEMA_NEWER",
    message:
      `the store's records have schema ${found}, this Romana knows up to ${newest}: there is no way back;` +
      ` run a Romana that knows schema ${found}, or import a backup of before the upgrade into an empty store`,
  });
}

function refuseUnfinished({ state, origin: { cluster, revision, taken } }: ImportRecord): void {
  if (state !== "writing") return;
  throw new UnavailableError({
    code: "STORE_IMPORT_UNFINISHED",
    message:
      `the store holds a part of the backup of ${taken} (cluster ${cluster}, revision ${revision}), whose import was cut off:` +
      " import the same again to complete it",
  });
}
