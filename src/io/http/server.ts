// The bare server below fastify: HTTP, or HTTPS whose certificates are read anew for each connection, with the limits of one client.
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { SecureContextOptions } from "node:tls";
import type { Log } from "../../base/log.ts";
import type { PemFiles, Pems } from "../pem/pem-files.ts";
import { renewingPems } from "../pem/renewing-pems.ts";

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
  const renew = renewingPems(files, log);
  let pems = renew();
  const asks = { requestCert: pems.ca !== undefined, rejectUnauthorized: true };
  const server = createTlsServer({ ...options, ...contextOf(pems), ...asks, handshakeTimeout }, handler);
  // Before the listener that begins the handshake.
  server.prependListener("connection", () => {
    const now = renew();
    if (now !== pems) server.setSecureContext(contextOf(now));
    pems = now;
  });
  return server;
}

const contextOf = (pems: Pems): SecureContextOptions => ({ ...pems, minVersion: "TLSv1.2" });
