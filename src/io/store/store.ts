// The store as Romana sees it, whatever keeps the data: an ordered map from key to text with one revision counter for
// the whole, multi-key compare-and-set, watches and leases. The semantics are etcd v3's, so that etcd fits unchanged.

export type Entry = {
  readonly key: string;
  readonly value: string;
  /** Store revision at which the key was made, and last written. */
  readonly createRevision: number;
  readonly revision: number;
  readonly lease?: LeaseId;
};

/** Entries as they all were at `revision`. */
export type Page = { readonly entries: readonly Entry[]; readonly revision: number };

export type Compare =
  /** The key's last write was at exactly `revision`; 0: the key is absent. */
  | { readonly kind: "revision"; readonly key: string; readonly revision: number }
  /** No key under `prefix` was written after `revision` (deletions do not count, as in etcd). */
  | { readonly kind: "unchanged-since"; readonly prefix: string; readonly revision: number };

export type Operation =
  | { readonly kind: "put"; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly kind: "delete"; readonly key: string };

export type TxnResult =
  /** All operations were applied at one `revision`, durable when this resolves. */
  | { readonly kind: "committed"; readonly revision: number }
  /** A compare failed, nothing was applied. `failed` holds the indexes in `compares` that failed. */
  | { readonly kind: "conflict"; readonly revision: number; readonly failed: readonly number[] };

export type WatchEvent =
  | { readonly kind: "put"; readonly entry: Entry }
  | { readonly kind: "delete"; readonly key: string; readonly revision: number };

export type WatchMessage =
  /** All events of one or more whole revisions under the prefix, in order; `revision` is the last of them. Never splits a transaction. */
  | { readonly kind: "events"; readonly events: readonly WatchEvent[]; readonly revision: number }
  /** Nothing under the prefix up to `revision` is still to come. Sent once when caught up and at times after. */
  | { readonly kind: "progress"; readonly revision: number }
  /** `since` is older than what the store remembers: list again from now. Ends the watch. */
  | { readonly kind: "compacted"; readonly oldest: number };

export type LeaseId = string;

/** At most this many compares plus operations in a transaction (etcd's own limit is 128); more is a BugError `TXN_TOO_LARGE`. */
export const MAX_TXN_OPERATIONS = 100;

/**
 * Every method rejects with UnavailableError (`STORE_CLOSED`, `STORE_FULL`, `STORE_TIMEOUT`, `STORE_NO_LEADER`, `STORE_CORRUPT`, …) when
 * the store cannot answer; a rejected `txn` may have been applied all the same, or be applied yet. After
 * `STORE_DIED` it never answers again: open it anew.
 */
export interface Store {
  /** Identity for life of the data (made when the store was), and whether this process made it just now. */
  readonly identity: { readonly clusterId: string; readonly fresh: boolean };
  get(key: string): Promise<{ readonly entry: Entry | undefined; readonly revision: number }>;
  /** Entries whose key starts with `prefix`, by key in byte order, all of one `revision`. */
  list(prefix: string, options?: { readonly limit?: number; readonly after?: string }): Promise<Page>;
  /**
   * All entries under `prefix` as they are at the revision of the first page, which every page carries, by key in byte order; at
   * least one page. What is written meanwhile neither shows nor waits.
   */
  snapshot(prefix: string): AsyncIterable<Page>;
  /** Changes after revision `since` under `prefix`, until `signal` aborts (the iteration then ends without an error). */
  watch(
    prefix: string,
    options: { readonly since: number; readonly signal: AbortSignal },
  ): AsyncIterable<WatchMessage>;
  /**
   * Atomic: applies `operations` if all `compares` hold. No two operations name one key. Compare the revision of every key that is
   * written: then a driver to which the answer was lost may ask again, and finds out what became of it.
   */
  txn(compares: readonly Compare[], operations: readonly Operation[]): Promise<TxnResult>;
  /** A lease of `ttl` seconds; keys put with it are deleted when it is not renewed in time. */
  grantLease(ttl: number): Promise<LeaseId>;
  /** `false`: the lease is gone. */
  renewLease(id: LeaseId): Promise<boolean>;
  revokeLease(id: LeaseId): Promise<void>;
  /** Forgets history up to `revision`; later watches from before get `compacted`. */
  compact(revision: number): Promise<void>;
  close(): Promise<void>;
}
