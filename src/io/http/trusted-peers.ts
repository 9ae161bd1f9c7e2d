// The connections of clients that showed a certificate, cut when it is no longer to be trusted: a handshake is checked once, and a watch
// lives for months.
import type { TLSSocket } from "node:tls";
import type { Pems } from "../files/pem-files.ts";
import { revokedSerials } from "../files/revoked-serials.ts";

type Peer = { readonly serial: bigint; readonly ends: number; readonly ca: string };

export interface TrustedPeers {
  /** A connection whose client's certificate, if it showed one, was found good with these files. */
  add(socket: TLSSocket, pems: Pems): void;
  /** Cuts whose certificate has ended, is revoked, or was checked with another CA. `now`: wall milliseconds. How many. */
  cut(pems: Pems, now: number): number;
}

export function createTrustedPeers(): TrustedPeers {
  const peers = new Map<TLSSocket, Peer>();
  return {
    add(socket, { ca }) {
      const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
      if (!certificate) return; // what it asks for is judged without
      const serial = BigInt(`0x${certificate.serialNumber}`);
      peers.set(socket, { serial, ends: certificate.validToDate.getTime(), ca: String(ca) });
      socket.once("close", () => peers.delete(socket));
    },
    cut({ ca, crl }, now) {
      const revoked = peers.size > 0 && crl ? revokedSerials(crl) : new Set();
      const lost = [...peers].filter(
        ([, peer]) => peer.ends < now || revoked.has(peer.serial) || peer.ca !== String(ca),
      );
      for (const [socket] of lost) socket.destroy();
      return lost.length;
    },
  };
}

/** That a list of the authority's has ended, or has not begun, by which nobody's certificate can be checked; `undefined`: it is not that. */
export function listFault({ authorizationError }: TLSSocket): string | undefined {
  const reason = String(authorizationError ?? "");
  return /CRL_HAS_EXPIRED|CRL_NOT_YET_VALID/.test(reason) ? reason : undefined;
}
