// One connection of `GET /watch`, line by line, until it ends. Who calls decides when to open the next.
import { get, type IncomingMessage } from "node:http";
import { UnavailableError } from "../../base/errors.ts";
import type { WatchLine } from "../../core/api/types.ts";

export type WatchFrom = { readonly cluster: string; readonly revision: number } | undefined;

/** Bookmarks come every 5 s: silence of this many milliseconds is a dead connection. */
const SILENCE = 12_000;
const MAX_LINE = 32 << 20;

/** Yields until the daemon ends the stream (normally) or `signal` aborts. UnavailableError `WATCH_ENDED`, `WATCH_REFUSED`, `WATCH_GARBAGE`. */
export async function* watchDaemon(
  url: URL,
  from: WatchFrom,
  signal: AbortSignal,
): AsyncGenerator<readonly WatchLine[]> {
  const query = from ? `?since=${from.revision}&cluster=${encodeURIComponent(from.cluster)}` : "";
  const stream = await open(new URL(`/watch${query}`, url), signal);
  let rest = "";
  try {
    stream.setEncoding("utf8");
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) throw new UnavailableError({ code: "WATCH_GARBAGE", url: url.origin });
      if (lines.length > 0) yield lines.filter((line) => line !== "").map(parseLine);
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

function open(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { signal, agent: false, timeout: SILENCE }, (reply) => {
      if (reply.statusCode === 200) resolve(reply);
      else {
        reply.resume();
        reject(new UnavailableError({ code: "WATCH_REFUSED", url: url.origin, status: reply.statusCode }));
      }
    });
    sent.setNoDelay(true);
    sent.on("timeout", () => sent.destroy(new Error("silent for 12 s")));
    sent.on("error", (cause) => {
      reject(new UnavailableError({ code: "WATCH_ENDED", url: url.origin, error: cause.message }, { cause }));
    });
  });
}

function parseLine(text: string): WatchLine {
  try {
    return JSON.parse(text) as WatchLine;
  } catch (cause) {
    throw new UnavailableError({ code: "WATCH_GARBAGE", line: text.slice(0, 80) }, { cause });
  }
}
