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
import type { TokenReviews } from "./token-review.ts";

/** Why a request is refused whoever sent it. The client is told no more than that; the audit log names it. */
export type Unknown = "no credential" | "wrong credential" | "foreign host name";
type Identified = Caller | Unknown;
/** A promise only where somebody else must be asked. */
export type Identify = (request: IncomingMessage) => Identified | Promise<Identified>;

type AccessConfig = Pick<DaemonConfig, "listen" | "tlsClientCa" | "tokenFile" | "serviceAccounts">;
type AccessDeps = { readonly clock: Clock; readonly log: Log; readonly reviews?: TokenReviews | undefined };

/** InputError of the token file. */
export function createIdentify(config: AccessConfig, deps: AccessDeps): Identify {
  const tokens = config.tokenFile === "" ? undefined : openTokenFile(config.tokenFile, deps);
  if (!asksWho(config)) return anyone(listensOnLoopback(config));
  const bearers = { tokens, reviews: deps.reviews };
  const onConnection = createCertificateReader(deps.clock);
  return (request) => {
    const sent = request.headers.authorization;
    // Who shows a token is who the token says, and nobody if it is wrong: there is no second try.
    if (sent !== undefined) return tokenCaller(bearers, sent, request.rawHeaders);
    return onConnection(request.socket as TLSSocket);
  };
}

type Bearers = { readonly tokens: Tokens | undefined; readonly reviews: TokenReviews | undefined };

/** The one place for bearers of all kinds: the file knows them, or else Kubernetes is asked. */
function tokenCaller(
  { tokens, reviews }: Bearers,
  sent: string,
  headers: readonly string[],
): Identified | Promise<Identified> {
  const [, token] = /^Bearer ([^ ]+)$/i.exec(sent) ?? [];
  if (token === undefined || isTwice(headers)) return "wrong credential";
  const caller = tokens?.callerOf(token) ?? reviews?.callerOf(token);
  return caller instanceof Promise
    ? caller.then((each) => each ?? "wrong credential")
    : (caller ?? "wrong credential");
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
