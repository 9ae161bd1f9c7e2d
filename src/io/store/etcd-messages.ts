// The part of etcd's v3 API that we speak, as TypeScript sees it. Names are the protocol's own (etcd documentation, "API reference").
import type { Integer } from "../protobuf/protobuf.ts";

/** Revisions fit into a number, ids do not. */
export type Int64 = Integer;
/** Too great for a number: as decimal text. */
export type Int64In = number | string;

export type Header = { readonly cluster_id: Int64; readonly revision: Int64 };
export type KeyValue = {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: Int64;
  readonly mod_revision: Int64;
  readonly lease: Int64;
};

export type RangeRequest = {
  readonly key: Buffer;
  /** Absent: one key. `\0`: every key from `key` on. */
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
  readonly min_mod_revision?: number;
  readonly keys_only?: boolean;
};
export type RangeResponse = {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
};
export type PutRequest = { readonly key: Buffer; readonly value: Buffer; readonly lease?: Int64In };
export type DeleteRangeRequest = { readonly key: Buffer };
export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: PutRequest }
  | { readonly request_delete_range: DeleteRangeRequest };
/** `enum CompareResult` and `enum CompareTarget`. */
export const COMPARE = { EQUAL: 0, LESS: 2, MOD: 2 } as const;
export type CompareRequest = {
  readonly result: number;
  readonly target: typeof COMPARE.MOD;
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly mod_revision: number;
};
export type TxnRequest = {
  readonly compare: readonly CompareRequest[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
};
export type TxnResponse = {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range: RangeResponse | null }[];
};
export type CompactionRequest = { readonly revision: number };
export type HeaderResponse = { readonly header: Header };

export type WatchCreateRequest = {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly start_revision: number;
  /** The server may cut a long response; `fragment` of the response says that more of it follows. */
  readonly fragment: boolean;
};
export type WatchRequest =
  { readonly create_request: WatchCreateRequest } | { readonly progress_request: Record<string, never> };
/** `enum Event.EventType`. */
export const EVENT_DELETE = 1;
export type Event = { readonly type: number; readonly kv: KeyValue };
export type WatchResponse = {
  readonly header: Header;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Not 0: the watch began before it, and is cancelled. */
  readonly compact_revision: Int64;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  readonly events: readonly Event[];
};

export type LeaseGrantRequest = { readonly TTL: number };
export type LeaseGrantResponse = { readonly header: Header; readonly ID: Int64 };
export type LeaseRequest = { readonly ID: Int64In };
/** `TTL` 0: there is no such lease. */
export type LeaseKeepAliveResponse = { readonly TTL: Int64 };

export type AuthenticateRequest = { readonly name: string; readonly password: string };
export type AuthenticateResponse = { readonly token: string };
/** `version` as "3.4.23". */
export type StatusResponse = { readonly header: Header; readonly version: string };

export const toNumber = (value: Int64): number => Number(value);
