// Talks to the daemon's REST API. Nothing else of the CLI does.
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { ApiError } from "../../core/api/types.ts";

export type Client = {
  /** Resolves with the reply's JSON. InputError carries the daemon's 4xx, UnavailableError everything that may pass. */
  request<Reply>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Reply>;
  /** The reply's bytes as they come, as long as they take. Errors as of `request`; UnavailableError `DAEMON_CUT_OFF` in the middle. */
  download(path: string): AsyncIterable<Uint8Array>;
};

export type ClientOptions = {
  readonly rootUrl: string;
  /** Milliseconds for one request. */
  readonly timeout: number;
  /** Called with a line for every request where `--verbose` is set. */
  readonly trace?: (line: string) => void;
};

export function createClient({ rootUrl, timeout, trace }: ClientOptions): Client {
  const urlOf = (path: string): URL =>
    new URL(path.replace(/^\//, ""), rootUrl.endsWith("/") ? rootUrl : `${rootUrl}/`);
  return {
    async request<Reply>(method: string, path: string, body?: unknown): Promise<Reply> {
      const url = urlOf(path);
      const response = await send(url, method, body, timeout);
      const text = await response.text();
      trace?.(`${method} ${url.href}: ${response.status}, ${text.length} bytes`);
      if (!response.ok) throw refusal(response.status, text, url);
      return parseReply(text, url) as Reply;
    },
    async *download(path) {
      const url = urlOf(path);
      const response = await send(url, "GET", undefined, DOWNLOAD_TIMEOUT);
      if (!response.ok) throw refusal(response.status, await response.text(), url);
      let bytes = 0;
      try {
        for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
          bytes += chunk.length;
          yield chunk;
        }
      } catch (cause) {
        throw cutOff(url, bytes, cause);
      }
      trace?.(`GET ${url.href}: ${response.status}, ${bytes} bytes`);
    },
  };
}

/** Milliseconds for all of it; fetch itself gives up a connection that is silent for five minutes. */
const DOWNLOAD_TIMEOUT = 3_600_000;

function cutOff(url: URL, bytes: number, cause: unknown): UnavailableError {
  const message = `the daemon at ${url.origin} broke off after ${bytes} bytes: see its log, and try again`;
  return new UnavailableError({ code: "DAEMON_CUT_OFF", message }, { cause });
}

async function send(url: URL, method: string, body: unknown, timeout: number): Promise<Response> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  try {
    return await fetch(url, { method, signal: AbortSignal.timeout(timeout), ...content });
  } catch (cause) {
    const reason =
      cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : String(cause);
    throw new UnavailableError(
      {
        code: "DAEMON_UNREACHABLE",
        message: `no answer from the daemon at ${url.origin} (${reason}): is it running? Set its address with -r, ROMANA_ROOT_URL or RootURL in ~/.romana.yaml`,
      },
      { cause },
    );
  }
}

function refusal(status: number, text: string, url: URL): Error {
  const error = apiErrorOf(text);
  if (status >= 500)
    return new UnavailableError({
      code: error?.code ?? "DAEMON_ERROR",
      message: error?.details ?? `${url.origin} answered ${status}`,
    });
  return new RefusedError(
    error?.details ?? `${url.pathname}: the daemon answered ${status}`,
    error?.code ?? "REFUSED",
  );
}

/** The daemon's 4xx: its words are for the user, and need no more wrapping. */
export class RefusedError extends InputError {
  readonly details: string;

  constructor(details: string, code: string) {
    super({ code, field: "request", value: "", expected: details });
    this.details = details;
    this.message = details;
  }
}

function apiErrorOf(text: string): ApiError | undefined {
  try {
    return JSON.parse(text) as ApiError;
  } catch {
    return undefined; // a proxy's page, not the daemon's JSON: the status says enough
  }
}

function parseReply(text: string, url: URL): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnavailableError(
      { code: "DAEMON_REPLY", message: `${url.href} did not answer with JSON: is this a Romana daemon?` },
      { cause },
    );
  }
}
