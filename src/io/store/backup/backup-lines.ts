// The lines of a backup: JSON each, a header, an entry per record in the order of keys, a trailer with a digest of all before it.
// Text and back, nothing else: what a record means is not known here.
import type { Origin } from "../../../core/model/import-record.ts";

/** Of the file; what the records look like is their schema. */
export const BACKUP_FORMAT = 1;

export type Header = Origin & {
  /** `BACKUP_FORMAT` of the program that wrote it. */
  readonly romana_backup: number;
  /** Schema of the records. */
  readonly schema: number;
};
export type Pair = { readonly key: string; readonly value: string };
export type RecordPage = { readonly header: Header; readonly pairs: readonly Pair[] };
export type Trailer = {
  readonly entries: number;
  /** SHA-256 of all bytes before the trailer's line, in hexadecimal. */
  readonly sha256: string;
};

export const headerLine = ({ romana_backup, cluster, generation, revision, schema, taken }: Header): string =>
  `${JSON.stringify({ romana_backup, cluster, generation, revision, schema, taken })}\n`;
export const pairLine = ({ key, value }: Pair): string => `${JSON.stringify({ key, value })}\n`;
export const trailerLine = ({ entries, sha256 }: Trailer): string =>
  `${JSON.stringify({ entries, sha256 })}\n`;
