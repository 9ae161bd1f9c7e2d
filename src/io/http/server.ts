// The bare server below fastify: HTTP, or HTTPS whose certificates are read anew for each connection, with the limits of one client.
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { SecureContextOptions } from "node:tls";
import type { Log } from "../../base/log.ts";
import { type PemFiles, type Pems, readCheckedPems } from "../pem/pem-files.ts";

/** What one client may take of the server. Times in milliseconds. */
export const HTTP_LIMITS = {
  /** Bytes of a request's body; more is answered 413 without being read. */
  body: 4 * 1024 * 1024,
  connections: 8192,
  /** To send a whole request, and to finish a TLS handshake: a slower client is cut off. */
  request: 20_000,
  /** How often that is looked at. */
  check: 1000,
  /** Without a byte in either direction, as from a client that does not read its answer. Longer than the 5 s between bookmarks of a watch. */
  stalled: 60_000,
  /** An idle connection is kept for the next request. */
  idle: 60_000,
};
export type HttpLimits = typeof HTTP_LIMITS;

/** `tls`: certificate and key of the server; with `ca`, who shows no certificate of it is refused. InputError of `readCheckedPems`. */
export function createLimitedServer(
  handler: RequestListener,
  limits: HttpLimits,
  tls: PemFiles | undefined,
  log: Log,
): Server {
  const options: ServerOptions = {
    requestTimeout: limits.request,
    headersTimeout: limits.request,
    keepAliveTimeout: limits.idle,
    connectionsCheckingInterval: limits.check,
  };
  const server = tls ? startTls(tls, limits, options, handler, log) : createServer(options, handler);
  server.maxConnections = limits.connections;
  server.setTimeout(limits.stalled);
  return server;
}

function startTls(
  files: PemFiles,
  { request: handshakeTimeout }: HttpLimits,
  options: ServerOptions,
  handler: RequestListener,
  log: Log,
): Server {
  let pems = readCheckedPems(files);
  let told = "";
  const asks = { requestCert: pems.ca !== undefined, rejectUnauthorized: true };
  const server = createTlsServer({ ...options, ...contextOf(pems), ...asks, handshakeTimeout }, handler);
  /** Files are renewed one after the other: until they belong together the last good ones serve. */
  const renew = (): void => {
    try {
      const now = readCheckedPems(files);
      told = "";
      if (isSame(pems, now)) return;
      server.setSecureContext(contextOf(now));
      pems = now;
      log.info("certificates renewed");
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== told) log.warn("certificates not renewed: the last good ones serve", { reason });
      told = reason;
    }
  };
  // Before the listener that begins the handshake.
  server.prependListener("connection", renew);
  return server;
}

const contextOf = (pems: Pems): SecureContextOptions => ({ ...pems, minVersion: "TLSv1.2" });

const isSame = (a: Pems, b: Pems): boolean =>
  (["ca", "cert", "key"] as const).every((part) => String(a[part]) === String(b[part]));
