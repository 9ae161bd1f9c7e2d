// Why the daemon was not reached, in words that say what is wrong and who can mend it.
import { X509Certificate } from "node:crypto";
import { UnavailableError } from "../../base/errors.ts";
import type { Pems } from "../files/pem-files.ts";

type NetworkError = Error & { readonly code?: string; readonly reason?: string };

/** UnavailableError `DAEMON_TLS` where one side does not trust the other, `DAEMON_UNREACHABLE` for all else. `shown`: what this side showed. */
export function unreachable(url: URL, cause: NetworkError, shown: Pems): UnavailableError {
  const distrust = distrustOf(cause, url, shown);
  const isPlain = url.protocol === "http:" && cause.code === "ECONNRESET";
  const reason = `${(cause.message || cause.code) ?? "error"}${isPlain ? ": it may want https" : ""}`;
  const message = distrust
    ? `no connection to the daemon at ${url.origin}: ${distrust}`
    : `no answer from the daemon at ${url.origin} (${reason})`;
  const code = distrust ? "DAEMON_TLS" : "DAEMON_UNREACHABLE";
  return new UnavailableError({ code, message, url: url.origin, error: cause.message }, { cause });
}

/** What is wrong with the daemon's certificate: codes of node, which are those of OpenSSL's verify(1). */
const DAEMONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired: renew --tls-cert of the daemon",
  CERT_NOT_YET_VALID: "its certificate is not yet valid: compare the clocks of both machines",
  CERT_REVOKED: "its certificate is revoked by --daemon-crl: give the daemon another",
  CRL_HAS_EXPIRED: "--daemon-crl has expired: fetch a newer list from the CA",
  CRL_NOT_YET_VALID: "--daemon-crl is not yet valid: compare the clocks of both machines",
  CRL_SIGNATURE_FAILURE: "--daemon-crl holds a list that the CA in --daemon-ca did not sign",
  UNABLE_TO_GET_CRL:
    "its certificate is of a CA that --daemon-ca lacks, or --daemon-crl has no list of the CA",
  INVALID_PURPOSE: "its certificate is not one for servers: issue it with extendedKeyUsage serverAuth",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed and not the one in --daemon-ca",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is of an authority that is not in --daemon-ca",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is of an authority that is not in --daemon-ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is of an authority that is not in --daemon-ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is of an authority that is not in --daemon-ca",
  CERT_SIGNATURE_FAILURE: "its certificate is not signed by the authority in --daemon-ca that it names",
};

function distrustOf(cause: NetworkError, { hostname, protocol }: URL, shown: Pems): string | undefined {
  const { code = "", message } = cause;
  if (protocol === "http:") return undefined;
  if (DAEMONS[code] !== undefined) return DAEMONS[code];
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `its certificate is not for ${hostname} (${cause.reason ?? message}): use a name that it holds, or issue it with this one as subjectAltName`;
  // A handshake that fails has a code of its own, or one of a write whose text names it.
  const what = `${code} ${message}`;
  if (/alert.certificate.required|alert.handshake.failure/i.test(what))
    return shown.cert
      ? `it refuses the handshake (${code})`
      : "it asks for a certificate of this side: give --daemon-cert and --daemon-key";
  if (/wrong.version.number|packet.length.too.long/i.test(what))
    return "it does not speak TLS: use http, or give the daemon --tls-cert";
  if (/protocol.version|unsupported.protocol/i.test(what)) return "it speaks no TLS 1.2 or newer";
  // The refusal may come as an alert or as a connection that ends, whichever the kernel delivers first.
  if (/[_ ]alert[_ ]/i.test(what) || code === "ECONNRESET") return refusedOf(code, shown);
  return undefined;
}

function refusedOf(code: string, { cert }: Pems): string | undefined {
  if (!cert) return undefined;
  return `it ended the handshake (${code}), and may have refused what it was shown: ${describeCertificate(cert)}`;
}

/** Whose it is and until when, and what else may be wrong with it, for one that was refused. */
export function describeCertificate(pem: Buffer): string {
  const { subject, validTo } = new X509Certificate(pem);
  const reasons = "ended, revoked, not one for clients, or not of the daemon's --tls-client-ca";
  return `the certificate of ${subject.replaceAll("\n", ", ")} in --daemon-cert, valid until ${validTo}, which is ${reasons}`;
}
