// A transaction that survives a lost answer. It is sent again only if it compares the revision of every key that it writes: then it
// can be applied once at most, however often it is sent; and if it fails at last, the events of the store tell whether an earlier
// sending was the one. See docs/design/etcd.md.
import { UnavailableError } from "../../base/errors.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { txnRequestOf, txnResultOf } from "./etcd-codec.ts";
import { methods } from "./etcd-proto.ts";
import type { Compare, Operation, TxnResult, WatchEvent, WatchMessage } from "./store.ts";

/** Messages of all keys after `since`, up to those of `until`. */
export type ReadHistory = (since: number, until: number) => AsyncIterable<WatchMessage>;

export async function runTxn(
  client: EtcdClient,
  compares: readonly Compare[],
  operations: readonly Operation[],
  readHistory: ReadHistory,
): Promise<TxnResult> {
  // It was not applied at a revision that was known before it was sent.
  const since = client.newest;
  const request = txnRequestOf(compares, operations);
  const expected = effectsOf(compares, operations);
  let isDoubtful = false;
  const onDoubt = (): void => void (isDoubtful = true);
  const response = await client.call(methods.txn, request, expected ? { onDoubt } : {});
  const result = txnResultOf(compares, response);
  if (result.kind === "committed" || !isDoubtful || !expected || expected.size === 0) return result;
  const applied = await findApplied(expected, readHistory(since, result.revision), result.revision);
  return applied === undefined ? result : { kind: "committed", revision: applied };
}

/** The events that the transaction makes if it is applied: by key, the value and lease put, or `undefined` for a deletion. */
type Effects = ReadonlyMap<string, string | undefined>;

/** `undefined`: they depend on what nobody compares. */
function effectsOf(compares: readonly Compare[], operations: readonly Operation[]): Effects | undefined {
  const revisions = new Map<string, number>();
  for (const compare of compares)
    if (compare.kind === "revision") revisions.set(compare.key, compare.revision);
  if (!operations.every(({ key }) => revisions.has(key))) return undefined;
  // To delete an absent key changes nothing.
  const effective = operations.filter(({ kind, key }) => kind === "put" || revisions.get(key) !== 0);
  return new Map(effective.map((each) => [each.key, each.kind === "put" ? written(each) : undefined]));
}

const written = ({ value, lease = "" }: { readonly value: string; readonly lease?: string }): string =>
  `${lease}/${value}`;

/** The revision whose events are just those. */
async function findApplied(
  expected: Effects,
  history: AsyncIterable<WatchMessage>,
  until: number,
): Promise<number | undefined> {
  for await (const message of history) {
    if (message.kind === "compacted") break;
    if (message.kind === "events")
      for (const [revision, events] of Map.groupBy(message.events, revisionOf))
        if (isEffect(expected, events)) return revision;
    if (message.revision >= until) return undefined;
  }
  throw new UnavailableError({ code: "STORE_TIMEOUT", reason: "the outcome of a transaction is not known" });
}

const revisionOf = (event: WatchEvent): number =>
  event.kind === "put" ? event.entry.revision : event.revision;

function isEffect(expected: Effects, events: readonly WatchEvent[]): boolean {
  if (events.length !== expected.size) return false;
  return events.every((event) => {
    const key = event.kind === "put" ? event.entry.key : event.key;
    const value = event.kind === "put" ? written(event.entry) : undefined;
    return expected.has(key) && expected.get(key) === value;
  });
}
