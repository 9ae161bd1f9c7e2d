// Requests of the Kubernetes API over node's own HTTP client: JSON in and out, and its watch. Follows no redirect, retries nothing.
import { Agent, type IncomingMessage, request, type RequestOptions } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { UnavailableError } from "../../base/errors.ts";
import { textAtMost } from "../../base/text-at-most.ts";
import type { KubeAccess } from "./kube-access.ts";
import { kubeError } from "./kube-error.ts";
import type { KubeEvent, KubeStatus } from "./types.ts";

export type Asking = {
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON; with PATCH as a JSON merge patch (RFC 7396) or as Kubernetes' strategic one, which knows lists by their keys. */
  readonly body?: unknown;
  readonly patch?: "merge" | "strategic";
  readonly signal?: AbortSignal;
};

export interface KubeClient {
  readonly namespace: string;
  /** `path` as `/api/v1/nodes`. UnavailableError `KUBE_UNREACHABLE`, `KUBE_REPLY`, and those of `kubeError`. */
  ask<Reply>(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    asking?: Asking,
  ): Promise<Reply>;
  /** First an empty list: it is open. Until the server ends it, or `signal` aborts. Also `KUBE_WATCH_ENDED` in the middle. `silence`: milliseconds without a byte that are a dead connection. */
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    options: { readonly silence: number; readonly signal: AbortSignal },
  ): AsyncIterable<readonly KubeEvent[]>;
  close(): void;
}

const MAX_REPLY = 256 << 20;
const MAX_LINE = 16 << 20;
/** Milliseconds of silence: an API server answers or refuses within its own minute. */
const TIMEOUT = 70_000;

type Send = (sending: {
  readonly method: string;
  readonly path: string;
  readonly asking: Asking;
  readonly timeout: number;
  readonly alone?: boolean;
}) => Promise<IncomingMessage>;

export function createKubeClient(access: KubeAccess): KubeClient {
  const kept = { keepAlive: true, maxSockets: 16 };
  const agents = { "http:": new Agent(kept), "https:": new TlsAgent(kept) };
  const send: Send = ({ method, path, asking, timeout, alone }) => {
    const url = new URL(`${access.server.pathname.replace(/\/$/, "")}${path}`, access.server);
    for (const [name, value] of Object.entries(asking.query ?? {})) url.searchParams.set(name, value);
    const isTls = url.protocol === "https:";
    const payload = asking.body === undefined ? undefined : JSON.stringify(asking.body);
    return open(url, payload, {
      ...{ method, timeout },
      ...(isTls && { ...access.pems(), minVersion: "TLSv1.2" }),
      ...(access.serverName !== undefined && { servername: access.serverName }),
      ...(asking.signal && { signal: asking.signal }),
      agent: alone ? false : agents[isTls ? "https:" : "http:"],
      headers: headersOf(payload, asking, access.token()),
    });
  };
  return {
    namespace: access.namespace,
    async ask<Reply>(method: string, path: string, asking: Asking = {}) {
      const reply = await send({ method, path, asking, timeout: TIMEOUT });
      const text = await readText(reply);
      const status = reply.statusCode ?? 0;
      if (status < 200 || status >= 300) throw refusal(`${method} ${path}`, reply, text);
      return parse(text) as Reply;
    },
    watch: (path, query, options) => watch(send, path, query, options),
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function headersOf(
  payload: string | undefined,
  { patch }: Asking,
  token: string | undefined,
): Record<string, string> {
  const kind =
    patch === undefined ? "json" : patch === "merge" ? "merge-patch+json" : "strategic-merge-patch+json";
  return {
    accept: "application/json",
    "user-agent": "romana",
    ...(payload !== undefined && {
      "content-type": `application/${kind}`,
      "content-length": String(Buffer.byteLength(payload)),
    }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
}

function open(url: URL, payload: string | undefined, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? tlsRequest : request)(url, options, resolve);
    sent.on("timeout", () => sent.destroy(new Error(`silent for ${(options.timeout ?? 0) / 1000} s`)));
    sent.on("error", (cause) => reject(unreachable(url, cause)));
    sent.end(payload);
  });
}

function unreachable(url: URL, cause: Error): UnavailableError {
  const message = `Kubernetes: no answer from ${url.origin} (${cause.message})`;
  return new UnavailableError({ code: "KUBE_UNREACHABLE", message }, { cause });
}

async function readText(reply: IncomingMessage): Promise<string> {
  try {
    return await textAtMost(MAX_REPLY, reply);
  } catch (cause) {
    const message = `Kubernetes: no whole answer (${(cause as Error).message})`;
    throw new UnavailableError({ code: "KUBE_UNREACHABLE", message }, { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `Kubernetes: an answer that is no JSON: ${text.slice(0, 80)}`;
    throw new UnavailableError({ code: "KUBE_REPLY", message }, { cause });
  }
}

/** The server's own words where it has some; a proxy before it answers with a page. */
function refusal(
  what: string,
  { statusCode: code = 0, headers }: IncomingMessage,
  text: string,
): UnavailableError {
  const wait = Number(headers["retry-after"]);
  let message: string | undefined;
  try {
    message = (JSON.parse(text) as KubeStatus).message;
  } catch {
    message = undefined; // the status says enough
  }
  return kubeError(what, message === undefined ? { code } : { code, message }, wait > 0 ? wait : undefined);
}

async function* watch(
  send: Send,
  path: string,
  query: Readonly<Record<string, string>>,
  { silence, signal }: { silence: number; signal: AbortSignal },
): AsyncGenerator<readonly KubeEvent[]> {
  const what = `watch ${path}`;
  const asking = { query: { ...query, watch: "true" }, signal };
  const reply = await send({ method: "GET", path, asking, timeout: silence, alone: true });
  if (reply.statusCode !== 200) throw refusal(what, reply, await readText(reply));
  yield [];
  let rest = "";
  try {
    reply.setEncoding("utf8");
    for await (const chunk of reply as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) throw new UnavailableError({ code: "KUBE_REPLY", path });
      const events = lines.filter((line) => line !== "").map((line) => readEvent(line, what));
      if (events.length > 0) yield events;
    }
  } catch (cause) {
    if (signal.aborted) return;
    if (cause instanceof UnavailableError) throw cause;
    const message = `Kubernetes: ${what}: ended in the middle (${(cause as Error).message})`;
    throw new UnavailableError({ code: "KUBE_WATCH_ENDED", message }, { cause });
  } finally {
    reply.destroy();
  }
}

function readEvent(line: string, what: string): KubeEvent {
  const event = parse(line) as KubeEvent | { readonly type: "ERROR"; readonly object: KubeStatus };
  if (event.type === "ERROR") throw kubeError(what, event.object);
  return event;
}
