// The store's keys, entries and transactions as etcd's messages, and back. Keys of the driver itself begin with the byte 0xff, which
// no text has: no caller can name, list or watch them.
import { BugError } from "../../base/errors.ts";
import {
  COMPARE,
  type CompareRequest,
  type Event,
  EVENT_DELETE,
  type KeyValue,
  type RangeRequest,
  type RequestOp,
  type RangeResponse,
  toNumber,
  type TxnRequest,
  type TxnResponse,
} from "./etcd-messages.ts";
import { endOfPrefix } from "./key-order.ts";
import type { Compare, Entry, Operation, TxnResult, WatchEvent } from "./store.ts";

const OWN = 0xff;
const END_OF_TEXT = Buffer.of(OWN);
/** etcd: from the least key on, and `\0` as the end means that there is none. */
export const EVERYTHING = { key: Buffer.of(0), range_end: Buffer.of(0) };

export const ownKey = (name: string): Buffer => Buffer.concat([END_OF_TEXT, Buffer.from(name)]);

/** Keys that start with `prefix`, those behind `after` where it is given. */
export function rangeOf(prefix: string, after?: string): { key: Buffer; range_end: Buffer } {
  const end = endOfPrefix(prefix);
  const range_end = end === undefined ? END_OF_TEXT : Buffer.from(end);
  const from = Buffer.from(prefix);
  // The least key behind another is that one and a zero byte.
  const behind = after === undefined ? from : Buffer.from(`${after}\0`);
  const key = Buffer.compare(behind, from) > 0 ? behind : from;
  return { key: key.length > 0 ? key : EVERYTHING.key, range_end };
}

export function entryOf({ key, value, create_revision, mod_revision, lease }: KeyValue): Entry {
  const id = lease.toString();
  return {
    key: key.toString(),
    value: value.toString(),
    createRevision: toNumber(create_revision),
    revision: toNumber(mod_revision),
    ...(id === "0" ? {} : { lease: id }),
  };
}

/** `undefined`: of a key that is not the store's. */
export function eventOf({ type, kv }: Event): WatchEvent | undefined {
  if (kv.key[0] === OWN) return undefined;
  if (type === EVENT_DELETE)
    return { kind: "delete", key: kv.key.toString(), revision: toNumber(kv.mod_revision) };
  return { kind: "put", entry: entryOf(kv) };
}

/** Where a compare fails, the transaction reads what each of them looked at. */
export function txnRequestOf(compares: readonly Compare[], operations: readonly Operation[]): TxnRequest {
  return {
    compare: compares.map(compareRequestOf),
    success: operations.map(requestOpOf),
    failure: compares.map((compare) => ({ request_range: rangeOfCompare(compare) })),
  };
}

export function txnResultOf(compares: readonly Compare[], response: TxnResponse): TxnResult {
  const revision = toNumber(response.header.revision);
  if (response.succeeded) return { kind: "committed", revision };
  const failed = compares.flatMap((compare, i) => {
    const found = response.responses[i]?.response_range;
    if (!found) throw new BugError({ code: "ETCD_ANSWER_WITHOUT_RANGE", compare });
    return holds(compare, found) ? [] : [i];
  });
  return { kind: "conflict", revision, failed };
}

function compareRequestOf(compare: Compare): CompareRequest {
  const target = COMPARE.MOD;
  if (compare.kind === "revision") {
    // An absent key counts as one of revision 0.
    const key = Buffer.from(compare.key);
    return { result: COMPARE.EQUAL, target, key, mod_revision: compare.revision };
  }
  return { result: COMPARE.LESS, target, ...rangeOf(compare.prefix), mod_revision: compare.revision + 1 };
}

function rangeOfCompare(compare: Compare): RangeRequest {
  if (compare.kind === "revision") return { key: Buffer.from(compare.key), keys_only: true };
  const newer = { min_mod_revision: compare.revision + 1, limit: 1, keys_only: true };
  return { ...rangeOf(compare.prefix), ...newer };
}

function holds(compare: Compare, { kvs }: RangeResponse): boolean {
  if (compare.kind === "unchanged-since") return kvs.length === 0;
  return toNumber(kvs[0]?.mod_revision ?? 0) === compare.revision;
}

function requestOpOf(operation: Operation): RequestOp {
  const key = Buffer.from(operation.key);
  if (operation.kind === "delete") return { request_delete_range: { key } };
  const { value, lease } = operation;
  return { request_put: { key, value: Buffer.from(value), ...(lease === undefined ? {} : { lease }) } };
}
