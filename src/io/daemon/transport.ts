// The one HTTP client of the daemon: plain or TLS 1.2+, with the certificates and the token that its files hold at that moment. Follows
// no redirect and retries nothing.
import { Agent, type IncomingMessage, request, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { InputError, type UnavailableError } from "../../base/errors.ts";
import { type Log, silentLog } from "../../base/log.ts";
import { type DaemonAccess, accessFaults, accessPems, NO_ACCESS, readToken } from "./access.ts";
import type { Pems } from "../files/pem-files.ts";
import { renewingPems } from "../files/renewing-pems.ts";
import { reset, ResettableTlsAgent } from "./reset.ts";
import { describeCertificate, unreachable } from "./unreachable.ts";

export interface Transport {
  /** The reply's head, whatever its status; its body is to be read or destroyed. UnavailableError `DAEMON_UNREACHABLE`, `DAEMON_TLS`. */
  send(url: URL, sending: Sending): Promise<IncomingMessage>;
  /** What this side says of who it is, in words, for one that was not believed. */
  shown(): string;
  /** The certificates in use: another object when the files have changed. */
  pems(): Pems;
  close(): void;
}

export type Sending = {
  readonly method: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Milliseconds of silence that are a dead connection. */
  readonly timeout: number;
  /** A connection of its own, for a reply that goes on and on. */
  readonly alone?: boolean;
};

export type TransportOptions = {
  readonly access?: DaemonAccess;
  /** Instead of the URL's host and port; its name is still what the certificate must show. */
  readonly socketPath?: string;
};

/** InputError for files that are not readable, no certificates, or no pair. */
export function createTransport(
  { access = NO_ACCESS, socketPath }: TransportOptions = {},
  log: Log = silentLog,
): Transport {
  const pems = renewingPems(accessPems(access), log);
  const kept = { keepAlive: true, keepAliveMsecs: 10_000, maxSockets: 64 };
  // Connections are kept by the certificates that they were made with: renewed ones make their own.
  const agents = { "http:": new Agent(kept), "https:": new ResettableTlsAgent(kept) };
  readToken(access);
  return {
    async send(url, { method, body, signal, timeout, alone }) {
      const faults = accessFaults(access, url);
      if (faults.length > 0) throw new InputError(faults);
      const isTls = url.protocol === "https:";
      const token = readToken(access);
      const shown = isTls ? pems() : {};
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const options: RequestOptions = {
        ...{ method, timeout, ...shown, ...(isTls && { minVersion: "TLSv1.2" }) },
        ...(socketPath !== undefined && { socketPath }),
        agent: alone ? false : agents[isTls ? "https:" : "http:"],
        headers: headersOf(payload, token),
      };
      const toError: ToError = (cause, isFirst) => unreachable(url, cause, isFirst ? shown : {});
      return open(url, options, { payload, signal }, toError);
    },
    shown: () => describeShown(access, pems()),
    pems,
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function describeShown({ daemonTokenFile }: DaemonAccess, { cert }: Pems): string {
  if (daemonTokenFile !== "") return `the token in ${daemonTokenFile}, which the daemon does not know`;
  if (cert) return describeCertificate(cert);
  return "nothing: give --daemon-cert and --daemon-key, or --daemon-token-file";
}

const headersOf = (payload: string | undefined, token: string | undefined): Record<string, string> => ({
  ...(payload !== undefined && {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(payload)),
  }),
  ...(token !== undefined && { authorization: `Bearer ${token}` }),
});

/** `isFirst`: nothing was ever answered on this connection. */
type ToError = (cause: Error, isFirst: boolean) => UnavailableError;

function open(
  url: URL,
  options: RequestOptions,
  { payload, signal }: { readonly payload: string | undefined; readonly signal: AbortSignal | undefined },
  toError: ToError,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? tlsRequest : request)(url, options, resolve);
    const fail = (cause: Error): void => reject(toError(cause, !sent.reusedSocket));
    const takeBack = (cause: Error): void => {
      fail(cause);
      reset(sent.socket);
      sent.destroy(cause);
    };
    const left = (): void => takeBack(signal?.reason as Error);
    sent.setNoDelay(true);
    sent.on("timeout", () => takeBack(new Error(`silent for ${(options.timeout ?? 0) / 1000} s`)));
    sent.on("error", fail);
    sent.on("close", () => signal?.removeEventListener("abort", left));
    signal?.addEventListener("abort", left);
    if (signal?.aborted) left();
    else sent.end(payload);
  });
}
