// The bare server below fastify: HTTP, or HTTPS whose certificates are read anew for each connection, with the limits of one client.
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { type Clock, Milliseconds, systemClock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { clientNetwork } from "../../core/net/client-network.ts";
import { isLoopback } from "../../core/net/loopback.ts";
import type { PemFiles, Pems } from "../files/pem-files.ts";
import { renewingPems } from "../files/renewing-pems.ts";
import { createTrustedPeers, listFault } from "./trusted-peers.ts";

/** What one client may take of the server. Times in milliseconds. */
export const HTTP_LIMITS = {
  /** Bytes of a request's body; more is answered 413 without being read. */
  body: 4 * 1024 * 1024,
  connections: 8192,
  /** Of one address (IPv6: of one /64), so that nobody can take them all. */
  connectionsOfOne: 4096,
  /** Addresses that all clients of a machine share. */
  isShared: isLoopback,
  /** To send a whole request, and to finish a TLS handshake: a slower client is cut off. */
  request: 20_000,
  /** How often that is looked at, and whether open connections are still to be trusted. */
  check: 1000,
  /** Without a byte in either direction, as from a client that does not read its answer. Much longer than the pause between bookmarks of a watch. */
  stalled: 60_000,
  /** An idle connection is kept for the next request. */
  idle: 60_000,
};
export type HttpLimits = typeof HTTP_LIMITS;

/** `tls`: certificate and key of the server; with `ca`, clients are asked for a certificate of it, and the socket of one that shows it is `authorized`: who else gets in is decided request by request. InputError of `readCheckedPems`. */
export function createLimitedServer(
  handler: RequestListener,
  limits: HttpLimits,
  tls: PemFiles | undefined,
  { log, clock = systemClock }: { readonly log: Log; readonly clock?: Clock },
): Server {
  const options: ServerOptions = {
    requestTimeout: limits.request,
    headersTimeout: limits.request,
    keepAliveTimeout: limits.idle,
    connectionsCheckingInterval: limits.check,
  };
  const server = tls
    ? startTls(tls, limits, options, handler, { log, clock })
    : createServer(options, handler);
  server.maxConnections = limits.connections;
  server.setTimeout(limits.stalled);
  limitConnectionsOfOne(server, limits);
  return server;
}

function limitConnectionsOfOne(server: Server, { connectionsOfOne, isShared }: HttpLimits): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const network = clientNetwork(socket.remoteAddress ?? "");
    const before = counts.get(network) ?? 0;
    if (before >= connectionsOfOne && !isShared(network)) return socket.destroy();
    counts.set(network, before + 1);
    return socket.once("close", () => {
      const left = (counts.get(network) ?? 1) - 1;
      if (left > 0) counts.set(network, left);
      else counts.delete(network);
    });
  });
}

type ServerDeps = { readonly log: Log; readonly clock: Clock };

function startTls(
  files: PemFiles,
  limits: HttpLimits,
  options: ServerOptions,
  handler: RequestListener,
  { log, clock }: ServerDeps,
): Server {
  const renew = renewingPems(files, log);
  let pems = renew();
  const asks = { requestCert: pems.ca !== undefined, rejectUnauthorized: false };
  const server = createTlsServer(
    { ...options, ...contextOf(pems), ...asks, handshakeTimeout: limits.request },
    handler,
  );
  const peers = createTrustedPeers();
  const look = (): void => {
    const now = renew();
    if (now !== pems) server.setSecureContext(contextOf(now));
    pems = now;
  };
  // Before the listener that begins the handshake.
  server.prependListener("connection", look);
  let toldOf: Pems | undefined;
  server.on("secureConnection", (socket: TLSSocket) => {
    peers.add(socket, pems);
    const reason = listFault(socket);
    if (reason !== undefined && toldOf !== pems)
      log.error("no client's certificate is believed: renew --tls-crl", { reason });
    toldOf = reason === undefined ? toldOf : pems;
  });
  whileListening(server, clock, limits.check, () => {
    look();
    const cut = peers.cut(pems, clock.now());
    if (cut > 0) log.info("connections cut: their certificates are no longer trusted", { connections: cut });
  });
  return server;
}

/** Calls `work` every so many milliseconds. */
function whileListening(server: Server, clock: Clock, every: number, work: () => void): void {
  const closed = new AbortController();
  const repeat = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(Milliseconds(every), closed.signal);
      work();
    }
  };
  server.on("listening", () => void repeat().catch(() => undefined)); // closed
  server.on("close", () => closed.abort());
}

const contextOf = (pems: Pems): SecureContextOptions => ({ ...pems, minVersion: "TLSv1.2" });
