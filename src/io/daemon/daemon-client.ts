// The daemon's REST API for other parts of Romana: kept-alive connections, several replicas, replies as values. Retries nothing.
import type {
  AddressList,
  AddressReply,
  AddressRequest,
  HostReply,
  HostReport,
  HostReportReply,
  HostRequest,
  ReleaseReply,
  WatchLine,
} from "../../core/api/types.ts";
import { exchange } from "./exchange.ts";
import { createTransport, type Sending, type Transport } from "./transport.ts";
import { watchDaemon, type WatchOptions } from "./watch-daemon.ts";

export interface DaemonClient {
  allocate(body: AddressRequest): Promise<AddressReply>;
  /** By the sequence of its allocation or by the host that holds it. InputError with status 404 or 409: it is not ours (any more). */
  release(
    name: string,
    holder: { readonly sequence: number } | { readonly host: string },
  ): Promise<ReleaseReply>;
  /** What the host holds. */
  addresses(host: string): Promise<readonly AddressReply[]>;
  register(body: HostRequest, signal: AbortSignal): Promise<HostReply>;
  report(host: string, body: HostReport, signal: AbortSignal): Promise<HostReportReply>;
  /** As `watchDaemon`, of the replica in use. */
  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<readonly WatchLine[]>;
  /** The replica in use, as `http://10.0.0.1:9600`. */
  readonly url: URL;
  /** Uses the next replica from now on. */
  next(): void;
  close(): void;
}

const TIMEOUT = 20_000;

/** `urls`: at least one. Errors as of `exchange`. */
export function createDaemonClient(
  urls: readonly URL[],
  transport: Transport = createTransport(),
): DaemonClient {
  let at = 0;
  const current = (): URL => urls[at % urls.length] ?? new URL("http://127.0.0.1:9600");
  const call = <Reply>(
    method: Sending["method"],
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<Reply> =>
    exchange(transport, new URL(path, current()), {
      ...{ method, body, timeout: TIMEOUT },
      ...(signal && { signal }),
    });
  return {
    allocate: (body) => call("POST", "/address", body),
    release: (name, holder) => {
      const by =
        "sequence" in holder ? `sequence=${holder.sequence}` : `host=${encodeURIComponent(holder.host)}`;
      return call("DELETE", `/address?addressName=${encodeURIComponent(name)}&${by}`);
    },
    addresses: async (host) =>
      (await call<AddressList>("GET", `/addresses?host=${encodeURIComponent(host)}`)).addresses,
    register: (body, signal) => call("POST", "/hosts", body, signal),
    report: (host, body, signal) => call("POST", `/hosts/${encodeURIComponent(host)}/report`, body, signal),
    watch: (options, signal) => watchDaemon(transport, current(), options, signal),
    get url() {
      return current();
    },
    next: () => void at++,
    close: () => transport.close(),
  };
}
