// Where a program listens and with which certificates: what options say of it, and what they may not say.
import { type Fault, InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";
import { isLoopback } from "../../core/net/loopback.ts";
import { pairFaults, type PemFiles } from "../files/pem-files.ts";

/** Options of every program that serves HTTP. */
export const tlsOptions = {
  tlsCert: options.option(options.text, "", "PEM file of the certificate that is shown: HTTPS, TLS 1.2+"),
  tlsKey: options.option(options.text, "", "PEM file of that certificate's key"),
  tlsClientCa: options.option(options.text, "", "PEM file of the CA whose certificates clients must show"),
  tlsCrl: options.option(options.text, "", "PEM file of that CA's revocation lists"),
} as const satisfies options.OptionTable;

/** Paths; "": none. */
export type TlsOptions = options.OptionValues<typeof tlsOptions>;

/** `undefined`: plain HTTP. */
export const tlsFiles = (given: TlsOptions): PemFiles | undefined =>
  given.tlsCert === "" ? undefined : pemFiles(given);

const pemFiles = ({ tlsCert, tlsKey, tlsClientCa, tlsCrl }: TlsOptions): PemFiles => ({
  ca: { option: "--tls-client-ca", path: tlsClientCa },
  cert: { option: "--tls-cert", path: tlsCert },
  key: { option: "--tls-key", path: tlsKey },
  crl: { option: "--tls-crl", path: tlsCrl },
});

/** `PEM`: a file without the one that it needs. */
export function tlsFaults(given: TlsOptions): Fault[] {
  const missing = (field: string, expected: string): Fault => ({ code: "PEM", field, value: "", expected });
  return [
    ...pairFaults(pemFiles(given)),
    ...(given.tlsClientCa !== "" && given.tlsCert === ""
      ? [missing("--tls-cert", "a certificate, as --tls-client-ca is given")]
      : []),
    ...(given.tlsCrl !== "" && given.tlsClientCa === ""
      ? [missing("--tls-client-ca", "the CA whose lists --tls-crl holds")]
      : []),
  ];
}

/** `LISTEN_PLAIN`: off loopback without TLS. `option` says where it listens, as `text`. */
export function plainFaults(option: string, text: string, { tlsCert }: TlsOptions): Fault[] {
  if (tlsCert !== "" || isLoopback(parseListen(option, text).host)) return [];
  const expected = "--tls-cert and --tls-key, an address of loopback, or --insecure: others would read along";
  return [{ code: "LISTEN_PLAIN", field: option, value: text, expected }];
}

/** `host:port`, `[v6]:port`, or `:port` for every address. InputError `LISTEN` that names `option`. */
export function parseListen(option: string, text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535)
    throw new InputError({ code: "LISTEN", field: option, value: text, expected: "ADDRESS:PORT" });
  return { host: (match[1] ?? match[2]) || "::", port };
}
