// From a request to who asks: by token, else by certificate, else by nothing where the operator asked for nothing.
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import type { DaemonConfig } from "../config.ts";
import { asksWho, listensOnLoopback } from "../listener.ts";
import { type Caller, certificateCaller } from "./caller.ts";
import { openTokenFile, type Tokens } from "./token-file.ts";

/** Why a request is refused whoever sent it. The client is told no more than that; the audit log names it. */
export type Unknown = "no credential" | "wrong credential" | "foreign host name";
export type Identify = (request: IncomingMessage) => Caller | Unknown;

type AccessConfig = Pick<DaemonConfig, "listen" | "tlsClientCa" | "tokenFile">;

/** InputError of the token file. */
export function createIdentify(config: AccessConfig, deps: { clock: Clock; log: Log }): Identify {
  const tokens = config.tokenFile === "" ? undefined : openTokenFile(config.tokenFile, deps);
  if (!asksWho(config)) return anyone(listensOnLoopback(config));
  const onConnection = createCertificateReader(deps.clock);
  return (request) => {
    const sent = request.headers.authorization;
    // Who shows a token is who the token says, and nobody if it is wrong: there is no second try.
    if (sent !== undefined) return tokenCaller(tokens, sent, request.rawHeaders) ?? "wrong credential";
    return onConnection(request.socket as TLSSocket);
  };
}

/** The one place for bearers of all kinds. A ServiceAccount's token would be asked about here, after the file. */
function tokenCaller(
  tokens: Tokens | undefined,
  sent: string,
  headers: readonly string[],
): Caller | undefined {
  const [, token] = /^Bearer ([^ ]+)$/i.exec(sent) ?? [];
  return token === undefined || isTwice(headers) ? undefined : tokens?.callerOf(token);
}

/** Node keeps the first of several headers: a proxy before us may have looked at another. */
function isTwice(headers: readonly string[]): boolean {
  let count = 0;
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]?.length === 13 && headers[i]?.toLowerCase() === "authorization") count++;
  return count > 1;
}

type Shown = { readonly caller: Caller; readonly until: number };

/** The certificate of a connection does not change: it is read once. It may end meanwhile. */
function createCertificateReader(clock: Clock): (socket: TLSSocket) => Caller | Unknown {
  const known = new WeakMap<TLSSocket, Shown | Unknown>();
  return (socket) => {
    let shown = known.get(socket);
    if (shown === undefined) known.set(socket, (shown = readCertificate(socket)));
    if (typeof shown === "string") return shown;
    return clock.now() < shown.until ? shown.caller : "wrong credential";
  };
}

function readCertificate(socket: TLSSocket): Shown | Unknown {
  // Plain HTTP has no certificates.
  const certificate = "getPeerCertificate" in socket ? socket.getPeerCertificate() : undefined;
  if (!certificate || Object.keys(certificate).length === 0) return "no credential";
  if (!socket.authorized) return "wrong credential";
  return { caller: certificateCaller(certificate), until: Date.parse(certificate.valid_to) };
}

/**
 * Nothing is asked for: whoever reaches the port is the administrator. On loopback a browser reaches it too: a page whose name was
 * made to resolve to 127.0.0.1 could read answers, but its requests name that host.
 */
function anyone(onLoopback: boolean): Identify {
  const caller: Caller = { name: "anyone", role: "admin", owns: "", by: "nothing" };
  let good: string | undefined;
  return ({ headers: { host = "" } }) => {
    // Nearly always the one of the last request.
    if (!onLoopback || host === good) return caller;
    if (!isAddress(host)) return "foreign host name";
    good = host;
    return caller;
  };
}

function isAddress(host: string): boolean {
  const name = host.replace(/:\d+$/, "");
  return name === "localhost" || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0;
}
