// What the sqlite store and its worker thread say to each other: lists of requests, answered in lists of replies.
import type { HistoryPage } from "./change-log.ts";
import type { SnapshotPage } from "./sqlite-snapshots.ts";
import type { Compare, Entry, Operation, Page, WatchEvent } from "./store.ts";

/** Requests that change the database. All that wait are committed with one sync of the disk, each atomic for itself. */
export type WriteRequest =
  | { readonly kind: "txn"; readonly compares: readonly Compare[]; readonly operations: readonly Operation[] }
  | { readonly kind: "grant"; readonly lease: string; readonly ttl: number }
  /** Ends the lease and deletes its keys. */
  | { readonly kind: "revoke"; readonly lease: string }
  | { readonly kind: "compact"; readonly revision: number };

export type ReadRequest =
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "list"; readonly prefix: string; readonly limit?: number; readonly after?: string }
  /** The next page; the first one opens the snapshot. */
  | { readonly kind: "snapshot"; readonly snapshot: string; readonly prefix: string }
  | { readonly kind: "end-snapshot"; readonly snapshot: string }
  | { readonly kind: "history"; readonly prefix: string; readonly after: number }
  | { readonly kind: "close" };

export type WorkerRequest = WriteRequest | ReadRequest;

/** `createRevision` of each put, `DELETED` or `ABSENT` for each delete, in the order of the operations. */
export type TxnAnswer =
  | { readonly kind: "committed"; readonly revision: number; readonly effects: readonly number[] }
  | { readonly kind: "conflict"; readonly revision: number; readonly failed: readonly number[] };
export const DELETED = 0;
export const ABSENT = -1;

/** What each kind of request is answered with. */
export type WorkerAnswers = {
  readonly txn: TxnAnswer;
  readonly grant: undefined;
  readonly revoke: { readonly events: readonly WatchEvent[]; readonly revision: number };
  readonly compact: undefined;
  readonly get: { readonly entry: Entry | undefined; readonly revision: number };
  readonly list: Page;
  readonly snapshot: SnapshotPage;
  readonly "end-snapshot": undefined;
  readonly history: HistoryPage;
  readonly close: undefined;
};

export type Refusal = { readonly code: string; readonly message: string };

/** `id` is the request's place in the list it came in. */
export type WorkerReply =
  | { readonly id: number; readonly answer: WorkerAnswers[keyof WorkerAnswers] }
  | { readonly id: number; readonly refusal: Refusal };

/** The worker's first message: it holds the file, or cannot. */
export type WorkerHello =
  | {
      readonly kind: "open";
      readonly clusterId: string;
      readonly fresh: boolean;
      readonly revision: number;
      readonly compacted: number;
      readonly leases: readonly { readonly id: string; readonly ttl: number }[];
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };
