// One request and its whole reply, as a value or as an error of the family that its status says.
import type { IncomingMessage } from "node:http";
import { type Fault, InputError, UnavailableError } from "../../base/errors.ts";
import { textAtMost } from "../../base/text-at-most.ts";
import type { ApiError } from "../../core/api/types.ts";
import type { Sending, Transport } from "./transport.ts";

const MAX_REPLY = 64 << 20;

/** The reply's JSON. RefusedError for a 4xx; UnavailableError with the daemon's own code of a 5xx or 429, `DAEMON_REPLY`, or those of `Transport.send`. */
export async function exchange<Reply>(transport: Transport, url: URL, sending: Sending): Promise<Reply> {
  const reply = await transport.send(url, sending);
  const text = await readText(reply, url);
  const status = reply.statusCode ?? 0;
  if (status < 200 || status >= 300) throw refusal(status, text, url, transport);
  return (text === "" ? undefined : parse(text, url)) as Reply;
}

/** As `exchange`, for a reply to be read piece by piece; UnavailableError `DAEMON_CUT_OFF` in the middle. */
export async function* download(transport: Transport, url: URL, sending: Sending): AsyncGenerator<Buffer> {
  const reply = await transport.send(url, sending);
  const status = reply.statusCode ?? 0;
  if (status !== 200) throw refusal(status, await readText(reply, url), url, transport);
  let bytes = 0;
  try {
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    const message = `the daemon at ${url.origin} broke off after ${bytes} bytes: see its log, and try again`;
    throw new UnavailableError({ code: "DAEMON_CUT_OFF", message }, { cause });
  }
}

async function readText(reply: IncomingMessage, url: URL): Promise<string> {
  try {
    return await textAtMost(MAX_REPLY, reply);
  } catch (cause) {
    const message = `no whole answer from the daemon at ${url.origin} (${(cause as Error).message})`;
    throw new UnavailableError({ code: "DAEMON_UNREACHABLE", message }, { cause });
  }
}

function parse(text: string, url: URL): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${url.href} did not answer with JSON: is this a Romana daemon?`;
    throw new UnavailableError({ code: "DAEMON_REPLY", message }, { cause });
  }
}

/** The daemon's 4xx: its words are for the user, and need no more wrapping. */
export class RefusedError extends InputError {
  readonly details: string;

  constructor(faults: Fault | readonly Fault[], status: number, details: string) {
    super(faults, status as InputError["status"]);
    this.details = details;
    this.message = details;
  }
}

/** A 4xx is the caller's input; a 5xx, and too many requests, pass. */
function refusal(status: number, text: string, url: URL, transport: Transport): Error {
  const error = apiErrorOf(text);
  const code = error?.code ?? `HTTP_${status}`;
  const said = error?.details ?? `${url.pathname}: ${url.origin} answered ${status}`;
  const details = status === 401 ? `${said}; it was shown ${transport.shown()}` : said;
  if (status < 400 || status >= 500 || status === 429)
    return new UnavailableError({ code, message: details, status });
  const faults: Fault[] = (error?.faults ?? []).map((fault) => ({ ...fault, value: "" }));
  const whole: Fault = { code, field: url.pathname, value: "", expected: details };
  return new RefusedError(faults.length > 0 ? faults : whole, status, details);
}

function apiErrorOf(text: string): Partial<ApiError> | undefined {
  try {
    return (JSON.parse(text) ?? undefined) as Partial<ApiError> | undefined;
  } catch {
    return undefined; // a proxy's page, not the daemon's JSON: the status says enough
  }
}
