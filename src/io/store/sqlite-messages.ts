// What the sqlite store and its worker thread say to each other.
import type { Compare, Entry, Operation } from "./store.ts";

export type Txn = { readonly compares: readonly Compare[]; readonly operations: readonly Operation[] };

export type WorkerRequest =
  /** All in one sqlite transaction, each atomic for itself. */
  | { readonly id: number; readonly kind: "txns"; readonly txns: readonly Txn[] }
  | { readonly id: number; readonly kind: "get"; readonly key: string }
  | {
      readonly id: number;
      readonly kind: "list";
      readonly prefix: string;
      readonly limit: number;
      readonly after: string | undefined;
    }
  /** Deletes the lease's keys and the lease. */
  | { readonly id: number; readonly kind: "drop-lease"; readonly lease: string }
  | { readonly id: number; readonly kind: "put-lease"; readonly lease: string; readonly ttl: number }
  | { readonly id: number; readonly kind: "close" };

/** `created`: revision at which the key of each effective put was made, 0 for deletes; `effective`: indexes of operations that did something. */
export type TxnOutcome =
  | {
      readonly kind: "committed";
      readonly revision: number;
      readonly effective: readonly number[];
      readonly created: readonly number[];
    }
  | { readonly kind: "conflict"; readonly revision: number; readonly failed: readonly number[] };

export type WorkerReply =
  | { readonly id: number; readonly kind: "txns"; readonly outcomes: readonly TxnOutcome[] }
  | {
      readonly id: number;
      readonly kind: "entries";
      readonly entries: readonly Entry[];
      readonly revision: number;
    }
  | {
      readonly id: number;
      readonly kind: "dropped";
      readonly keys: readonly string[];
      readonly revision: number;
    }
  | { readonly id: number; readonly kind: "done" }
  | { readonly id: number; readonly kind: "failed"; readonly code: string; readonly message: string };

/** The worker's first message: it holds the file, or cannot. */
export type WorkerHello =
  | {
      readonly kind: "open";
      readonly clusterId: string;
      readonly fresh: boolean;
      readonly revision: number;
      readonly leases: readonly { readonly id: string; readonly ttl: number }[];
    }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };
