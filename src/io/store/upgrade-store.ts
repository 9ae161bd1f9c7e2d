// Takes the records of a store to the schema of this program, step by step and in the order of keys, so that whoever is cut off goes on
// where he was: each transaction changes some records and says how far they are. A store of a newer schema is never touched.
import {
  RECORD_STEPS,
  type RecordStep,
  schemaKey,
  encodeSchema,
  upgradeRecord,
} from "../../core/model/schema.ts";
import { KEY_PREFIX } from "../../core/model/keys.ts";
import type { Compare, Entry, Operation, Store } from "./store.ts";
import { isRecord, readSchema, readWholeImport } from "./store-state.ts";

const PAGE = 1000;
/** Changed records of a transaction: a compare and an operation each, and those of the schema's key. */
const AT_ONCE = 45;

export type Upgrade = { readonly from: number; readonly to: number; readonly changed: number };

/** `undefined`: the store is of this schema. Errors of store-state.ts and of the steps. */
export async function upgradeStore(
  store: Store,
  steps: readonly RecordStep[] = RECORD_STEPS,
): Promise<Upgrade | undefined> {
  await readWholeImport(store);
  let [from, changed] = [-1, 0];
  for (;;) {
    const found = await readSchema(store, steps.length);
    const { version } = found.record;
    if (version === steps.length) return from < 0 ? undefined : { from, to: version, changed };
    if (from < 0) from = version;
    changed += await upgradeOnce(store, found, steps);
  }
}

/** To the end, or until another daemon gets in the way. How many records it changed. */
async function upgradeOnce(
  store: Store,
  found: Awaited<ReturnType<typeof readSchema>>,
  steps: readonly RecordStep[],
): Promise<number> {
  const { version, upgrade } = found.record;
  const { to, after: start } = upgrade ?? { to: steps.length, after: "" };
  let [after, revision, changed] = [start, found.revision, 0];
  /** Whether it is committed, with the schema's key as it then has to be. */
  const commit = async (some: readonly Change[], said: string): Promise<boolean> => {
    const schema: Compare = { kind: "revision", key: schemaKey, revision };
    const operations: Operation[] = [...some.map(({ operation }) => operation), put(schemaKey, said)];
    const result = await store.txn([schema, ...some.map(({ compare }) => compare)], operations);
    if (result.kind === "committed") [revision, changed] = [result.revision, changed + some.length];
    return result.kind === "committed";
  };
  for (let isLast = false; !isLast;) {
    const { entries } = await store.list(KEY_PREFIX, { limit: PAGE, after });
    // Another daemon may have changed what was just read: a step must not be taken twice.
    if (((await store.get(schemaKey)).entry?.revision ?? 0) !== revision) return changed;
    const changes = entries.filter(isRecord).flatMap((entry) => changeOf(entry, version, steps.slice(0, to)));
    for (let i = 0; i < changes.length; i += AT_ONCE) {
      const some = changes.slice(i, i + AT_ONCE);
      const upTo = some.at(-1)?.operation.key ?? "";
      if (!(await commit(some, encodeSchema({ version, upgrade: { to, after: upTo } })))) return changed;
    }
    after = entries.at(-1)?.key ?? after;
    isLast = entries.length < PAGE;
  }
  await commit([], encodeSchema({ version: to }));
  return changed;
}

type Change = { readonly compare: Compare; readonly operation: Operation };

function changeOf(entry: Entry, from: number, steps: readonly RecordStep[]): Change[] {
  const { key, value, revision } = entry;
  const next = upgradeRecord(entry, from, steps);
  if (next === value) return [];
  const compare: Compare = { kind: "revision", key, revision };
  return [{ compare, operation: next === undefined ? { kind: "delete", key } : put(key, next) }];
}

const put = (key: string, value: string): Operation => ({ kind: "put", key, value });
