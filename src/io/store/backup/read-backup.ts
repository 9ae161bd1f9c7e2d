// A backup's text as its records, read strictly: what was cut off or altered anywhere is refused, by the digest if by nothing before.
// Yields records before it has seen the digest, so who cannot take them back reads the whole of it once before.
import { isUtf8 } from "node:buffer";
import { createHash, type Hash } from "node:crypto";
import { InputError } from "../../../base/errors.ts";
import { KEY_PREFIX } from "../../../core/model/keys.ts";
import { RECORDS_SCHEMA, schemaKey } from "../../../core/model/schema.ts";
import { importKey } from "../../../core/model/import-record.ts";
import { compareKeys } from "../key-order.ts";
import { BACKUP_FORMAT, type Header, type Pair, type RecordPage, trailerLine } from "./backup-lines.ts";
import { type Line, readLines } from "./read-lines.ts";

export type BackupSummary = { readonly header: Header; readonly entries: number; readonly sha256: string };

/** More than any store takes for one value, escaped. */
const MAX_LINE = 32 * 2 ** 20;
const TRAILER = Buffer.from('{"entries":');

/**
 * `name`: of the file, for people. Pages of any size; returns the summary when all of it is read and the digest is right. InputError
 * `BACKUP_TRUNCATED`, `BACKUP_ALTERED`, `BACKUP_FORMAT`, `BACKUP_FORMAT_NEWER`, `BACKUP_SCHEMA_NEWER`, which name the line.
 */
export async function* readBackup(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<RecordPage, BackupSummary> {
  const reading: Reading = { name, line: 0, entries: 0, last: "", hash: createHash("sha256") };
  for await (const lines of readLines(chunks, MAX_LINE)) {
    const pairs = lines.flatMap((line) => readLine(reading, line) ?? []);
    if (reading.header) yield { header: reading.header, pairs };
  }
  const { header, sha256, entries } = reading;
  if (!header || sha256 === undefined) throw truncated(reading);
  return { header, entries, sha256 };
}

/** Reads all and keeps nothing: the file is whole. */
export async function checkBackup(chunks: AsyncIterable<Uint8Array>, name: string): Promise<BackupSummary> {
  const pages = readBackup(chunks, name);
  for (;;) {
    const { done, value } = await pages.next();
    if (done) return value;
  }
}

type Reading = {
  readonly name: string;
  /** Of the line being read, from 1. */
  line: number;
  header?: Header;
  entries: number;
  /** The key of the last entry. */
  last: string;
  readonly hash: Hash;
  /** Of the trailer, which was right. */
  sha256?: string;
};

function readLine(reading: Reading, { bytes, isWhole }: Line): Pair | undefined {
  reading.line++;
  if (reading.sha256 !== undefined) throw altered(reading, bytes, "nothing after the trailer");
  if (!reading.header) {
    reading.header = readHeader(reading, bytes);
    if (!isWhole) throw truncated(reading);
  } else if (!isWhole) throw truncated(reading);
  else if (bytes.subarray(0, TRAILER.length).equals(TRAILER)) return readTrailer(reading, bytes);
  else return readPair(reading, bytes);
  reading.hash.update(bytes).update("\n");
  return undefined;
}

function readHeader(reading: Reading, bytes: Buffer): Header {
  const header = (parse(bytes) ?? {}) as Partial<Header>;
  const { romana_backup: format } = header;
  if (typeof format !== "number") throw fault("BACKUP_FORMAT", reading, bytes, "a backup of Romana");
  if (format > BACKUP_FORMAT)
    throw fault("BACKUP_FORMAT_NEWER", reading, format, `format ${BACKUP_FORMAT} or older`);
  if (!isHeader(header)) throw altered(reading, bytes, "cluster, generation, revision, schema and taken");
  const { schema } = header;
  if (schema > RECORDS_SCHEMA)
    throw fault("BACKUP_SCHEMA_NEWER", reading, schema, `records of schema ${RECORDS_SCHEMA} or older`);
  return header;
}

const isHeader = (header: Partial<Header>): header is Header =>
  [header.cluster, header.taken].every((each) => typeof each === "string") &&
  [header.generation, header.revision, header.schema].every(
    (each) => Number.isSafeInteger(each) && Number(each) >= 0,
  );

function readPair(reading: Reading, bytes: Buffer): Pair {
  const { key, value, ...more } = (parse(bytes) ?? {}) as Partial<Pair>;
  if (typeof key !== "string" || typeof value !== "string" || Object.keys(more).length > 0)
    throw altered(reading, bytes, "an entry's key and value");
  if (!key.startsWith(KEY_PREFIX) || key === schemaKey || key === importKey || !isText(key) || !isText(value))
    throw altered(reading, bytes, "a record");
  if (compareKeys(key, reading.last) <= 0) throw altered(reading, key, `a key after ${reading.last}`);
  reading.hash.update(bytes).update("\n");
  reading.last = key;
  reading.entries++;
  return { key, value };
}

const isText = (text: string): boolean => text.isWellFormed();

/** Byte for byte what was written, so that nothing of it can be altered either. */
function readTrailer(reading: Reading, bytes: Buffer): undefined {
  const { entries } = reading;
  const sha256 = reading.hash.digest("hex");
  if (!Buffer.from(trailerLine({ entries, sha256 })).equals(Buffer.concat([bytes, Buffer.from("\n")])))
    throw altered(reading, bytes, `the digest of ${entries} entries, ${sha256}`);
  reading.sha256 = sha256;
}

/** `undefined`: not a line of ours. */
function parse(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return undefined;
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined; // the caller says what was expected there
  }
}

function fault(code: string, { name, line }: Reading, found: unknown, expected: string): InputError {
  const value = Buffer.isBuffer(found) ? found.toString("latin1", 0, 100) : found;
  return new InputError({ code, field: `${name}: line ${line}`, value, expected });
}

const altered = (reading: Reading, found: unknown, expected: string): InputError =>
  fault("BACKUP_ALTERED", reading, found, `${expected}: the file was damaged or altered`);

function truncated({ name, line, entries }: Reading): InputError {
  const expected = `a trailer: the file was cut off after ${entries} entries, or it is still being written`;
  return new InputError({ code: "BACKUP_TRUNCATED", field: name, value: `${line} lines`, expected });
}
