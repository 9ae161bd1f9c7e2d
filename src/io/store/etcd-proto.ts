// The wire format of the part of etcd's v3 API that we speak, as data: message, field and method numbers as etcd's documentation
// ("API reference", rpc.proto and kv.proto) publishes them. Fields we never look at are left out: protobuf skips what it does not
// know. Enums are plain integers, which is what they are on the wire.
import { fromJSON, type ServiceDefinition } from "@grpc/proto-loader";
import type * as etcd from "./etcd-messages.ts";

/** `name: [number, type]`; a third element marks a list. */
type Fields = Readonly<Record<string, readonly [id: number, type: string, rule?: "repeated"]>>;

const message = (fields: Fields) => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [id, type, rule]]) => [name, { id, type, ...(rule && { rule }) }]),
  ),
});
const rpc = (request: string, response: string) => ({
  requestType: request,
  responseType: response,
  comment: "",
});
const streaming = { requestStream: true, responseStream: true } as const;

const mvccpb = {
  KeyValue: message({
    key: [1, "bytes"],
    create_revision: [2, "int64"],
    mod_revision: [3, "int64"],
    value: [5, "bytes"],
    lease: [6, "int64"],
  }),
  Event: message({ type: [1, "int32"], kv: [2, "KeyValue"] }),
};

const header = { header: [1, "ResponseHeader"] } as const;

const keyValueMessages = {
  ResponseHeader: message({ cluster_id: [1, "uint64"], revision: [3, "int64"] }),
  RangeRequest: message({
    key: [1, "bytes"],
    range_end: [2, "bytes"],
    limit: [3, "int64"],
    revision: [4, "int64"],
    keys_only: [8, "bool"],
    min_mod_revision: [10, "int64"],
  }),
  RangeResponse: message({ ...header, kvs: [2, "mvccpb.KeyValue", "repeated"], more: [3, "bool"] }),
  PutRequest: message({ key: [1, "bytes"], value: [2, "bytes"], lease: [3, "int64"] }),
  DeleteRangeRequest: message({ key: [1, "bytes"] }),
  RequestOp: message({
    request_range: [1, "RangeRequest"],
    request_put: [2, "PutRequest"],
    request_delete_range: [3, "DeleteRangeRequest"],
  }),
  ResponseOp: message({ response_range: [1, "RangeResponse"] }),
  Compare: message({
    result: [1, "int32"],
    target: [2, "int32"],
    key: [3, "bytes"],
    mod_revision: [6, "int64"],
    range_end: [64, "bytes"],
  }),
  TxnRequest: message({
    compare: [1, "Compare", "repeated"],
    success: [2, "RequestOp", "repeated"],
    failure: [3, "RequestOp", "repeated"],
  }),
  TxnResponse: message({ ...header, succeeded: [2, "bool"], responses: [3, "ResponseOp", "repeated"] }),
  CompactionRequest: message({ revision: [1, "int64"] }),
  CompactionResponse: message(header),
};

const watchMessages = {
  WatchRequest: message({
    create_request: [1, "WatchCreateRequest"],
    progress_request: [3, "WatchProgressRequest"],
  }),
  WatchCreateRequest: message({
    key: [1, "bytes"],
    range_end: [2, "bytes"],
    start_revision: [3, "int64"],
    fragment: [8, "bool"],
  }),
  WatchProgressRequest: message({}),
  WatchResponse: message({
    ...header,
    created: [3, "bool"],
    canceled: [4, "bool"],
    compact_revision: [5, "int64"],
    cancel_reason: [6, "string"],
    fragment: [7, "bool"],
    events: [11, "mvccpb.Event", "repeated"],
  }),
};

const otherMessages = {
  LeaseGrantRequest: message({ TTL: [1, "int64"] }),
  LeaseGrantResponse: message({ ...header, ID: [2, "int64"] }),
  LeaseRevokeRequest: message({ ID: [1, "int64"] }),
  LeaseRevokeResponse: message(header),
  LeaseKeepAliveRequest: message({ ID: [1, "int64"] }),
  LeaseKeepAliveResponse: message({ TTL: [3, "int64"] }),
  AuthenticateRequest: message({ name: [1, "string"], password: [2, "string"] }),
  AuthenticateResponse: message({ token: [2, "string"] }),
  StatusRequest: message({}),
  StatusResponse: message({ ...header, version: [2, "string"] }),
};

const services = {
  KV: {
    methods: {
      Range: rpc("RangeRequest", "RangeResponse"),
      Txn: rpc("TxnRequest", "TxnResponse"),
      Compact: rpc("CompactionRequest", "CompactionResponse"),
    },
  },
  Watch: { methods: { Watch: { ...rpc("WatchRequest", "WatchResponse"), ...streaming } } },
  Lease: {
    methods: {
      LeaseGrant: rpc("LeaseGrantRequest", "LeaseGrantResponse"),
      LeaseRevoke: rpc("LeaseRevokeRequest", "LeaseRevokeResponse"),
      LeaseKeepAlive: { ...rpc("LeaseKeepAliveRequest", "LeaseKeepAliveResponse"), ...streaming },
    },
  },
  Auth: { methods: { Authenticate: rpc("AuthenticateRequest", "AuthenticateResponse") } },
  Maintenance: { methods: { Status: rpc("StatusRequest", "StatusResponse") } },
};

const definitions = fromJSON(
  {
    nested: {
      mvccpb: { nested: mvccpb },
      etcdserverpb: { nested: { ...keyValueMessages, ...watchMessages, ...otherMessages, ...services } },
    },
  },
  { keepCase: true, defaults: true },
);

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

function method<Request, Response>(service: keyof typeof services, name: string): Method<Request, Response> {
  const found = (definitions[`etcdserverpb.${service}`] as ServiceDefinition)[name];
  return found as unknown as Method<Request, Response>;
}

export const methods = {
  range: method<etcd.RangeRequest, etcd.RangeResponse>("KV", "Range"),
  txn: method<etcd.TxnRequest, etcd.TxnResponse>("KV", "Txn"),
  compact: method<etcd.CompactionRequest, etcd.HeaderResponse>("KV", "Compact"),
  watch: method<etcd.WatchRequest, etcd.WatchResponse>("Watch", "Watch"),
  leaseGrant: method<etcd.LeaseGrantRequest, etcd.LeaseGrantResponse>("Lease", "LeaseGrant"),
  leaseRevoke: method<etcd.LeaseRequest, etcd.HeaderResponse>("Lease", "LeaseRevoke"),
  leaseKeepAlive: method<etcd.LeaseRequest, etcd.LeaseKeepAliveResponse>("Lease", "LeaseKeepAlive"),
  authenticate: method<etcd.AuthenticateRequest, etcd.AuthenticateResponse>("Auth", "Authenticate"),
  status: method<Record<string, never>, etcd.StatusResponse>("Maintenance", "Status"),
} as const;
