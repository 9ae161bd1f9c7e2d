// One connection of `GET /watch`, line by line, until it ends. Who calls decides when to open the next.
import type { IncomingMessage } from "node:http";
import { UnavailableError } from "../../base/errors.ts";
import type { WatchLine } from "../../core/api/types.ts";
import { type Cidr, formatCidr } from "../../core/net/cidr.ts";
import type { Transport } from "./transport.ts";

/** What a node wants to hear of: its own host, and hosts in its subnets. */
export type WatchScope = { readonly host: string; readonly subnets: readonly Cidr[] };
export type WatchOptions = {
  /** What was seen; `anew`: of another scope, so that all is to be sent. Absent: nothing. */
  readonly from?:
    { readonly cluster: string; readonly revision: number; readonly anew?: boolean } | undefined;
  /** Absent: of everything. */
  readonly scope?: WatchScope | undefined;
  /** The host whose share of the policies is to be told; absent: none. */
  readonly policy?: string | undefined;
  /** Milliseconds without a byte that are a dead connection; 12 s. */
  readonly silence?: number;
};

/** Bookmarks come twice a second. Where there is no other replica to go to, a slow daemon is better than none. */
const SILENCE = 12_000;
const MAX_LINE = 32 << 20;

/**
 * Yields until the daemon ends the stream (normally) or `signal` aborts. UnavailableError `WATCH_ENDED`, `WATCH_REFUSED`,
 * `WATCH_GARBAGE`, those of `Transport.send`, and `CERTIFICATES_RENEWED`, seen at the next bookmark: the next watch shows the new ones.
 */
export async function* watchDaemon(
  transport: Transport,
  url: URL,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly WatchLine[]> {
  const certificates = transport.pems();
  const stream = await open(
    transport,
    new URL(`/watch?${queryOf(options)}`, url),
    options.silence ?? SILENCE,
    signal,
  );
  let rest = "";
  try {
    stream.setEncoding("utf8");
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) throw new UnavailableError({ code: "WATCH_GARBAGE", url: url.origin });
      const parsed = lines.filter((line) => line !== "").map(parseLine);
      if (parsed.length > 0) yield parsed;
      if (parsed.every(({ type }) => type === "bookmark") && transport.pems() !== certificates)
        throw new UnavailableError({ code: "CERTIFICATES_RENEWED", url: url.origin });
    }
  } catch (cause) {
    if (signal.aborted) return;
    throw cause instanceof UnavailableError
      ? cause
      : new UnavailableError({ code: "WATCH_ENDED", url: url.origin, error: String(cause) }, { cause });
  } finally {
    stream.destroy();
  }
}

function queryOf({ from, scope, policy }: WatchOptions): string {
  const since = from && { since: `${from.revision}`, cluster: from.cluster };
  const anew = from?.anew ? { anew: "true" } : {};
  const part = scope && { host: scope.host, subnets: scope.subnets.map(formatCidr).join() };
  return new URLSearchParams({
    ...since,
    ...anew,
    ...part,
    ...(policy !== undefined && { policy }),
  }).toString();
}

async function open(
  transport: Transport,
  url: URL,
  timeout: number,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const reply = await transport.send(url, { method: "GET", signal, timeout, alone: true });
  if (reply.statusCode === 200) return reply;
  reply.resume();
  throw new UnavailableError({ code: "WATCH_REFUSED", url: url.origin, status: reply.statusCode });
}

function parseLine(text: string): WatchLine {
  try {
    return JSON.parse(text) as WatchLine;
  } catch (cause) {
    throw new UnavailableError({ code: "WATCH_GARBAGE", line: text.slice(0, 80) }, { cause });
  }
}
