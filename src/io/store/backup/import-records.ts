// Puts records into an empty store and looks at them again. A store that has but a part of them says so, and nobody opens it until the same
// import is done to its end. Leases, revisions and the store's identity are its own: what agents saw elsewhere is never compared with it.
import { createHash, type Hash } from "node:crypto";
import { InputError, UnavailableError } from "../../../base/errors.ts";
import {
  encodeImport,
  importKey,
  type ImportRecord,
  type Origin,
} from "../../../core/model/import-record.ts";
import { KEY_PREFIX } from "../../../core/model/keys.ts";
import {
  encodeSchema,
  RECORD_STEPS,
  type RecordStep,
  schemaKey,
  upgradeRecord,
} from "../../../core/model/schema.ts";
import { MAX_TXN_OPERATIONS, type Compare, type Entry, type Operation, type Store } from "../store.ts";
import { isOfAdoption, isRecord, readImport, readSchema } from "../store-state.ts";
import { type Header, type Pair, pairLine, type RecordPage } from "./backup-lines.ts";

type ImportOptions = {
  /** What is in the store goes; else it must be empty. */
  readonly replace: boolean;
  readonly steps?: readonly RecordStep[];
};
export type Imported = { readonly header: Header; readonly entries: number };

/** Of a transaction, keys and values; each is at most 3 bytes, and etcd takes 1.5 MiB. */
const MAX_CHARACTERS = 384 * 1024;
/** Pages. */
const COMPACT_EVERY = 16;

/**
 * All or nothing: a store that was left in the middle is refused by everyone but this function with the same records. InputError
 * `STORE_NOT_EMPTY`, `IMPORT_OTHER` (409); UnavailableError `STORE_IN_USE`, `IMPORT_DISTURBED`, and what `pages` throws.
 */
export async function importRecords(
  store: Store,
  pages: AsyncIterable<RecordPage>,
  { replace, steps = RECORD_STEPS }: ImportOptions,
): Promise<Imported> {
  const digest = createDigest();
  let [header, mark]: [Header?, Mark?] = [];
  let pageCount = 0;
  for await (const page of pages) {
    header ??= page.header;
    mark ??= await begin(store, page.header, replace, steps.length);
    const pairs = page.pairs.flatMap((pair) => upgraded(pair, page.header.schema, steps));
    digest.add(pairs);
    const revision = await put(store, mark, pairs);
    // The history of the making is nobody's, and would grow as large as the store.
    if (++pageCount % COMPACT_EVERY === 0) await store.compact(revision);
  }
  if (!header || !mark) throw new UnavailableError({ code: "IMPORT_OF_NOTHING" });
  await verify(store, digest);
  await finish(store, mark, steps.length);
  return { header, entries: digest.entries };
}

/** The import's own key as it must be while it is under way. */
type Mark = { readonly record: ImportRecord; readonly compare: Compare };

async function begin(store: Store, header: Header, replace: boolean, newest: number): Promise<Mark> {
  await readSchema(store, newest);
  const present = await refuseInUse(store);
  const { record: other, revision: marked } = await readImport(store);
  const { cluster, generation, revision, taken } = header;
  const record: ImportRecord = {
    generation: (other?.generation ?? 0) + 1,
    state: "writing",
    origin: { cluster, generation, revision, taken },
  };
  if (!replace && other?.state === "writing") refuseOther(record.origin, other.origin);
  else if (!replace) refuseContent(present.first);
  const compares: Compare[] = [
    { kind: "revision", key: importKey, revision: marked },
    { kind: "unchanged-since", prefix: KEY_PREFIX, revision: present.revision },
  ];
  const mark = await commit(store, compares, [{ kind: "put", key: importKey, value: encodeImport(record) }]);
  const compare: Compare = { kind: "revision", key: importKey, revision: mark };
  await clear(store, compare);
  return { record, compare };
}

/** The same store at the same revision had the same records. */
function refuseOther(record: Origin, other: Origin): void {
  if (record.cluster === other.cluster && record.revision === other.revision) return;
  const value = `cluster ${record.cluster}, revision ${record.revision}`;
  const expected = `the backup of ${other.taken} (cluster ${other.cluster}, revision ${other.revision}), whose import was cut off, or --replace`;
  throw new InputError({ code: "IMPORT_OTHER", field: "backup", value, expected }, 409);
}

/** A daemon at work must not have its store emptied. The first record, if there is one, as of `revision`. */
async function refuseInUse(store: Store): Promise<{ first: Entry | undefined; revision: number }> {
  let [first, revision]: [Entry | undefined, number] = [undefined, 0];
  for await (const page of store.snapshot(KEY_PREFIX)) {
    const leased = page.entries.find(({ lease }) => lease !== undefined);
    if (leased)
      throw new UnavailableError({
        code: "STORE_IN_USE",
        message: `a daemon works on the store (it holds ${leased.key}): stop all daemons first; one that was killed holds it for 5 s`,
      });
    first ??= page.entries.find(isRecord);
    ({ revision } = page);
  }
  return { first, revision };
}

function refuseContent(found: Entry | undefined): void {
  if (!found) return;
  const expected = "an empty store, or --replace to give up what is in it";
  throw new InputError({ code: "STORE_NOT_EMPTY", field: "store", value: found.key, expected }, 409);
}

/** Also what an import that was cut off had put: of which it wrote some, and perhaps had not deleted all. */
async function clear(store: Store, mark: Compare): Promise<void> {
  const limit = MAX_TXN_OPERATIONS - 1;
  for (let after = "", isLast = false; !isLast;) {
    const { entries } = await store.list(KEY_PREFIX, { limit, after });
    const gone = entries.filter((entry) => isRecord(entry) || isOfAdoption(entry.key));
    const keys = gone.map(({ key }) => key);
    if (keys.length > 0)
      await commit(
        store,
        [mark],
        keys.map((key) => ({ kind: "delete", key })),
      );
    after = entries.at(-1)?.key ?? after;
    isLast = entries.length < limit;
  }
}

function upgraded(pair: Pair, from: number, steps: readonly RecordStep[]): Pair[] {
  const value = upgradeRecord(pair, from, steps);
  return value === undefined ? [] : [{ key: pair.key, value }];
}

/** The revision at which all of it is there. */
async function put(store: Store, { compare }: Mark, pairs: readonly Pair[]): Promise<number> {
  const operations = pairs.map(({ key, value }): Operation => ({ kind: "put", key, value }));
  const revisions = inTransactions(operations).map((some) => commit(store, [compare], some));
  return Math.max(0, ...(await Promise.all(revisions)));
}

function inTransactions(operations: readonly Operation[]): Operation[][] {
  const all: Operation[][] = [];
  let [some, length]: [Operation[], number] = [[], 0];
  for (const operation of operations) {
    const size = operation.key.length + (operation.kind === "put" ? operation.value.length : 0);
    if (some.length === MAX_TXN_OPERATIONS - 1 || (some.length > 0 && length + size > MAX_CHARACTERS)) {
      all.push(some);
      [some, length] = [[], 0];
    }
    some.push(operation);
    length += size;
  }
  return some.length > 0 ? [...all, some] : all;
}

/** What was put is what is there, and nothing else. */
async function verify(store: Store, put: Digest): Promise<void> {
  const found = createDigest();
  for await (const { entries } of store.snapshot(KEY_PREFIX)) found.add(entries.filter(isRecord));
  if (found.entries === put.entries && found.sum() === put.sum()) return;
  throw disturbed(`it holds ${found.entries} records that are not the ${put.entries} that were put`);
}

/** From now on it is a store; its history of being made is nobody's. */
async function finish(store: Store, { record, compare }: Mark, schema: number): Promise<void> {
  const revision = await commit(
    store,
    [compare],
    [
      { kind: "put", key: importKey, value: encodeImport({ ...record, state: "unsettled" }) },
      { kind: "put", key: schemaKey, value: encodeSchema({ version: schema }) },
    ],
  );
  await store.compact(revision);
}

async function commit(
  store: Store,
  compares: readonly Compare[],
  operations: readonly Operation[],
): Promise<number> {
  const result = await store.txn(compares, operations);
  if (result.kind === "committed") return result.revision;
  throw disturbed("it was changed meanwhile");
}

const disturbed = (found: string): UnavailableError =>
  new UnavailableError({
    code: "IMPORT_DISTURBED",
    message: `somebody else writes to the store: ${found}; stop them and import again`,
  });

/** Order and text of all records in few bytes. */
type Digest = { readonly entries: number; add(pairs: readonly Pair[]): void; sum(): string };

function createDigest(): Digest {
  const hash: Hash = createHash("sha256");
  let entries = 0;
  return {
    get entries() {
      return entries;
    },
    add(pairs) {
      entries += pairs.length;
      for (const pair of pairs) hash.update(pairLine(pair));
    },
    sum: () => hash.digest("hex"),
  };
}
