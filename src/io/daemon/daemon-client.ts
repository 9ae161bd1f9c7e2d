// The daemon's REST API for other parts of Romana: kept-alive connections, several replicas, replies as values. Retries nothing.
import { Agent, request, type RequestOptions } from "node:http";
import { type Fault, InputError, UnavailableError } from "../../base/errors.ts";
import type {
  AddressList,
  AddressReply,
  AddressRequest,
  ApiError,
  HostReply,
  HostReport,
  HostReportReply,
  HostRequest,
  ReleaseReply,
} from "../../core/api/types.ts";

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
  /** The replica in use, as `http://10.0.0.1:9600`. */
  readonly url: URL;
  /** Uses the next replica from now on. */
  next(): void;
  close(): void;
}

const TIMEOUT = 20_000;
const MAX_REPLY = 16 << 20;

/** `urls`: at least one. UnavailableError `DAEMON_UNREACHABLE`, or the daemon's own code of a 5xx. */
export function createDaemonClient(urls: readonly URL[]): DaemonClient {
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: 10_000, maxSockets: 64 });
  let at = 0;
  const current = (): URL => urls[at % urls.length] ?? new URL("http://127.0.0.1:9600");
  const call = <Reply>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Reply> =>
    send(new URL(path, current()), body, { method, agent, ...(signal ? { signal } : {}) }) as Promise<Reply>;
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
    get url() {
      return current();
    },
    next: () => void at++,
    close: () => {
      agent.destroy();
    },
  };
}

function send(url: URL, body: unknown, options: RequestOptions): Promise<unknown> {
  const payload = body === undefined ? "" : JSON.stringify(body);
  const headers =
    body === undefined
      ? {}
      : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(
        new UnavailableError(
          { code: "DAEMON_UNREACHABLE", url: url.origin, error: cause.message },
          { cause },
        ),
      );
    };
    const sent = request(url, { ...options, headers, timeout: TIMEOUT }, (reply) => {
      const chunks: Buffer[] = [];
      let size = 0;
      reply.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_REPLY) reply.destroy(new Error("the reply is too large"));
        else chunks.push(chunk);
      });
      reply.on("error", fail);
      reply.on("end", () => {
        settle(reply.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"), url, resolve, reject);
      });
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", fail);
    sent.end(payload);
  });
}

function settle(
  status: number,
  text: string,
  url: URL,
  resolve: (value: unknown) => void,
  reject: (error: Error) => void,
): void {
  let value: unknown;
  try {
    value = text === "" ? undefined : JSON.parse(text);
  } catch (cause) {
    reject(new UnavailableError({ code: "DAEMON_REPLY", url: url.href, status }, { cause }));
    return;
  }
  if (status < 400) resolve(value);
  else reject(refusal(status, value as Partial<ApiError> | undefined, url));
}

/** A 4xx is the caller's input; a 5xx passes. */
function refusal(status: number, error: Partial<ApiError> | undefined, url: URL): Error {
  const code = error?.code ?? `HTTP_${status}`;
  const details = error?.details ?? `${url.pathname} answered ${status}`;
  if (status >= 500) return new UnavailableError({ code, message: details, status });
  const faults: Fault[] = (error?.faults ?? []).map((fault) => ({ ...fault, value: "" }));
  const refused = new InputError(
    faults.length > 0 ? faults : { code, field: url.pathname, value: "", expected: details },
    status as InputError["status"],
  );
  refused.message = details;
  return refused;
}
