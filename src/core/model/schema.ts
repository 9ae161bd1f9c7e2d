// The form of the records as a version, and the steps from each to the next. Whoever changes what a record's text looks like adds a
// step: an older Romana must refuse what it would misread, and a newer one must read what an older one left.
import { UnavailableError } from "../../base/errors.ts";
import { parseText, readCount, readObject, readString } from "./codec-read.ts";
import { KEY_PREFIX } from "./keys.ts";

/** A record's text of one schema as text of the next; `undefined`: there is no such record any more. Throws what `decode…` throws. */
export type RecordStep = (key: string, value: string) => string | undefined;

/** `RECORD_STEPS[n]` takes records of schema n to schema n + 1. */
export const RECORD_STEPS: readonly RecordStep[] = [
  // Stores of schema 0 do not say so. Their records are those of schema 1.
  (_key, value) => value,
  // Schema 2 has reservations and limits: who does not know them would give what is kept. The records of schema 1 stay as they are.
  (_key, value) => value,
  // Schema 3 has policies: who does not know them would tell agents that all is open. What an earlier program may have put there stays.
  (_key, value) => value,
  // Schema 4 says in the store that nothing is to be handed out: who does not look there would. The records stay as they are.
  (_key, value) => value,
];
/** What this program reads and writes. */
export const RECORDS_SCHEMA = RECORD_STEPS.length;

export const schemaKey = `${KEY_PREFIX}schema`;

/** The store's schema. Key `schema`. */
export type SchemaRecord = {
  readonly version: number;
  /** An upgrade under way: records up to the key `after` are of schema `to` already. */
  readonly upgrade?: { readonly to: number; readonly after: string };
};

export const encodeSchema = (record: SchemaRecord): string => JSON.stringify(record);

/** UnavailableError `STORE_GARBAGE`. */
export function decodeSchema(text: string): SchemaRecord {
  const { version, upgrade } = readObject(parseText(schemaKey, text), ["version"], ["upgrade"]);
  if (!upgrade) return { version: readCount(version) };
  const { to, after } = readObject(upgrade, ["to", "after"]);
  return { version: readCount(version), upgrade: { to: readCount(to), after: readString(after) } };
}

/**
 * A record's text of schema `from` as text of the schema after the last of `steps`; `undefined`: dropped on the way. What a step takes for
 * garbage stays as it is: it is garbage in the next schema, too, and named by whoever reads records.
 */
export function upgradeRecord(
  { key, value }: { readonly key: string; readonly value: string },
  from: number,
  steps: readonly RecordStep[] = RECORD_STEPS,
): string | undefined {
  let text: string | undefined = value;
  try {
    for (const step of steps.slice(from)) text = text === undefined ? undefined : step(key, text);
  } catch (error) {
    if (!(error instanceof UnavailableError) || error.code !== "STORE_GARBAGE") throw error;
    return value;
  }
  return text;
}
