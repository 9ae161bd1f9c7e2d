// The wire format of the part of etcd's v3 API that we speak, as data: message, field and method numbers as etcd's documentation
// ("API reference", rpc.proto and kv.proto) publishes them. Fields we never look at are left out: what is not known is skipped. Enums are plain
// integers, which is what they are on the wire.
import type * as etcd from "./etcd-messages.ts";
import type { Message } from "../protobuf/protobuf.ts";
import { readerOf } from "../protobuf/protobuf-read.ts";
import { writerOf } from "../protobuf/protobuf-write.ts";

const KeyValue: Message = {
  key: [1, "bytes"],
  create_revision: [2, "integer"],
  mod_revision: [3, "integer"],
  value: [5, "bytes"],
  lease: [6, "integer"],
};
const Event: Message = { type: [1, "integer"], kv: [2, KeyValue] };

const ResponseHeader: Message = { cluster_id: [1, "unsigned"], revision: [3, "integer"] };
const header: Message = { header: [1, ResponseHeader] };

const RangeRequest: Message = {
  key: [1, "bytes"],
  range_end: [2, "bytes"],
  limit: [3, "integer"],
  revision: [4, "integer"],
  keys_only: [8, "bool"],
  min_mod_revision: [10, "integer"],
};
const RangeResponse: Message = { ...header, kvs: [2, KeyValue, "repeated"], more: [3, "bool"] };
const PutRequest: Message = { key: [1, "bytes"], value: [2, "bytes"], lease: [3, "integer"] };
const RequestOp: Message = {
  request_range: [1, RangeRequest],
  request_put: [2, PutRequest],
  request_delete_range: [3, { key: [1, "bytes"] }],
};
const ResponseOp: Message = { response_range: [1, RangeResponse] };
const Compare: Message = {
  result: [1, "integer"],
  target: [2, "integer"],
  key: [3, "bytes"],
  mod_revision: [6, "integer"],
  range_end: [64, "bytes"],
};

const WatchCreateRequest: Message = {
  key: [1, "bytes"],
  range_end: [2, "bytes"],
  start_revision: [3, "integer"],
  fragment: [8, "bool"],
};
const WatchResponse: Message = {
  ...header,
  created: [3, "bool"],
  canceled: [4, "bool"],
  compact_revision: [5, "integer"],
  cancel_reason: [6, "string"],
  fragment: [7, "bool"],
  events: [11, Event, "repeated"],
};

const LeaseRequest: Message = { ID: [1, "integer"] };

/** One method: its path, and how its messages become bytes. */
export type Method<Request, Response> = {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (response: Response) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
};

function method<Request extends object, Response extends object>(
  name: string,
  request: Message,
  response: Message,
  isStream = false,
): Method<Request, Response> {
  return {
    path: `/etcdserverpb.${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: writerOf(request),
    requestDeserialize: readerOf(request),
    responseSerialize: writerOf(response),
    responseDeserialize: readerOf(response),
  };
}

export const methods = {
  range: method<etcd.RangeRequest, etcd.RangeResponse>("KV/Range", RangeRequest, RangeResponse),
  txn: method<etcd.TxnRequest, etcd.TxnResponse>(
    "KV/Txn",
    {
      compare: [1, Compare, "repeated"],
      success: [2, RequestOp, "repeated"],
      failure: [3, RequestOp, "repeated"],
    },
    { ...header, succeeded: [2, "bool"], responses: [3, ResponseOp, "repeated"] },
  ),
  compact: method<etcd.CompactionRequest, etcd.HeaderResponse>(
    "KV/Compact",
    { revision: [1, "integer"] },
    header,
  ),
  watch: method<etcd.WatchRequest, etcd.WatchResponse>(
    "Watch/Watch",
    { create_request: [1, WatchCreateRequest], progress_request: [3, {}] },
    WatchResponse,
    true,
  ),
  leaseGrant: method<etcd.LeaseGrantRequest, etcd.LeaseGrantResponse>(
    "Lease/LeaseGrant",
    { TTL: [1, "integer"] },
    { ...header, ID: [2, "integer"] },
  ),
  leaseRevoke: method<etcd.LeaseRequest, etcd.HeaderResponse>("Lease/LeaseRevoke", LeaseRequest, header),
  leaseKeepAlive: method<etcd.LeaseRequest, etcd.LeaseKeepAliveResponse>(
    "Lease/LeaseKeepAlive",
    LeaseRequest,
    { TTL: [3, "integer"] },
    true,
  ),
  authenticate: method<etcd.AuthenticateRequest, etcd.AuthenticateResponse>(
    "Auth/Authenticate",
    { name: [1, "string"], password: [2, "string"] },
    { token: [2, "string"] },
  ),
  status: method<Record<string, never>, etcd.StatusResponse>(
    "Maintenance/Status",
    {},
    { ...header, version: [2, "string"] },
  ),
} as const;
