// Talks to the daemon's REST API. Nothing else of the CLI does.
import { UnavailableError } from "../../base/errors.ts";
import type { DaemonAccess } from "../../io/daemon/access.ts";
import { download, exchange } from "../../io/daemon/exchange.ts";
import { createTransport, type Sending, type Transport } from "../../io/daemon/transport.ts";

export type Client = {
  /** Resolves with the reply's JSON. InputError carries the daemon's 4xx, UnavailableError everything that may pass. */
  request<Reply>(method: Sending["method"], path: string, body?: unknown): Promise<Reply>;
  /** The reply's bytes as they come, as long as they take. Errors as of `request`; UnavailableError `DAEMON_CUT_OFF` in the middle. */
  download(path: string): AsyncIterable<Uint8Array>;
};

export type ClientOptions = {
  readonly rootUrl: string;
  readonly access: DaemonAccess;
  /** Milliseconds of silence. */
  readonly timeout: number;
  /** Called with a line for every reply where `--verbose` is set. */
  readonly trace?: (line: string) => void;
};

export function createClient({ rootUrl, access, timeout, trace }: ClientOptions): Client {
  const plain = createTransport({ access });
  const transport: Transport = {
    ...plain,
    async send(url: URL, sending: Sending) {
      const reply = await plain.send(url, sending).catch(addAdvice);
      trace?.(`${sending.method} ${url.href}: ${reply.statusCode}`);
      return reply;
    },
  };
  const urlOf = (path: string): URL =>
    new URL(path.replace(/^\//, ""), rootUrl.endsWith("/") ? rootUrl : `${rootUrl}/`);
  // Connections are not kept: they would keep the process.
  return {
    request: (method, path, body) => exchange(transport, urlOf(path), { method, body, timeout, alone: true }),
    download: (path) =>
      download(transport, urlOf(path), { method: "GET", timeout: DOWNLOAD_SILENCE, alone: true }),
  };
}

/** Milliseconds: a backup may wait for its turn. */
const DOWNLOAD_SILENCE = 300_000;

function addAdvice(error: unknown): never {
  if (!(error instanceof UnavailableError) || error.code !== "DAEMON_UNREACHABLE") throw error;
  const advice = "is it running? Set its address with -r, ROMANA_ROOT_URL or RootURL in ~/.romana.yaml";
  const message = `${error.message}: ${advice}`;
  throw new UnavailableError({ code: error.code, message }, { cause: error });
}
