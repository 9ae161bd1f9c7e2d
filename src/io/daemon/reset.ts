// Requests that are taken back: closed with a reset, so that what the kernel has not yet brought to the daemon is dropped with the connection.
// An ordinary close would still bring it, after a partition say, to be done for nobody.
import { connect, type NetConnectOpts, Socket } from "node:net";
import { Agent as TlsAgent } from "node:https";
import type { Duplex } from "node:stream";

/** The connection below each TLS one, as only that can be reset. */
const below = new WeakMap<Socket, Socket>();

export class ResettableTlsAgent extends TlsAgent {
  override createConnection(
    options: Parameters<TlsAgent["createConnection"]>[0] & { readonly socketPath?: string },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const { host, port, socketPath } = options;
    const place = socketPath === undefined ? { host, port } : { path: socketPath };
    const socket = connect(place as NetConnectOpts);
    const secure = super.createConnection({ ...options, socket } as typeof options, callback);
    if (secure instanceof Socket) below.set(secure, socket);
    return secure;
  }
}

/** Resets the connection where that is possible: it is made, over TCP. The caller destroys what uses it. */
export function reset(socket: Socket | null): void {
  const lowest = socket && (below.get(socket) ?? socket);
  if (lowest?.remoteAddress !== undefined && !("encrypted" in lowest)) lowest.resetAndDestroy();
}
