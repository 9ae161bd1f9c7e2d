// A gRPC server that says what a test wants etcd to say, for states in which a real one is seldom found.
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type StatusObject,
} from "@grpc/grpc-js";
import type * as etcd from "../../src/io/store/etcd-messages.ts";
import { type Method, methods } from "../../src/io/store/etcd-proto.ts";

export type WatchStream = ServerDuplexStream<etcd.WatchRequest, etcd.WatchResponse>;
export type FakeAnswers = {
  /** What `Status` says; of version 3.5.0 in cluster 1 if absent. */
  readonly status?: () => etcd.StatusResponse;
  /** May throw a gRPC status, as all of them. */
  readonly range?: () => etcd.RangeResponse;
  readonly compact?: (request: etcd.CompactionRequest) => etcd.HeaderResponse;
  readonly watch?: (stream: WatchStream) => void;
};
export interface FakeEtcd {
  readonly url: string;
  close(): void;
}

export const headerOf = (revision: number, cluster = 1): etcd.Header => ({ cluster_id: cluster, revision });

/** A message of a watch; what is not told is as protobuf leaves it. */
export const watchResponse = (some: Partial<etcd.WatchResponse>): etcd.WatchResponse => ({
  header: headerOf(1),
  created: false,
  canceled: false,
  compact_revision: 0,
  cancel_reason: "",
  fragment: false,
  events: [],
  ...some,
});

export async function startFakeEtcd({ status, range, compact, watch }: FakeAnswers): Promise<FakeEtcd> {
  const server = new Server();
  const said = status ?? (() => ({ header: headerOf(1), version: "3.5.0" }));
  server.addService({ Status: definition(methods.status) }, { Status: answering(said) });
  if (range) server.addService({ Range: definition(methods.range) }, { Range: answering(range) });
  if (compact) server.addService({ Compact: definition(methods.compact) }, { Compact: answering(compact) });
  if (watch) server.addService({ Watch: definition(methods.watch) }, { Watch: watch });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { url: `http://127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

const definition = <Request, Response>(method: Method<Request, Response>) => ({ ...method });

const answering =
  <Request, Response>(answer: (request: Request) => Response) =>
  ({ request }: { request: Request }, callback: sendUnaryData<Response>): void => {
    try {
      callback(null, answer(request));
    } catch (error) {
      callback(error as Partial<StatusObject>);
    }
  };
