// PEM files that options name: read each time they are needed, so that a renewed certificate needs no restart.
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { type Fault, InputError } from "../../base/errors.ts";
import { type NamedFile, readNamed } from "./named-file.ts";

/** A certificate and its key; the authority whose certificates the other side must have, and the list of those it has revoked. */
export type PemFiles = {
  readonly ca: NamedFile;
  readonly cert: NamedFile;
  readonly key: NamedFile;
  readonly crl?: NamedFile;
};
/** Content of the files that are given, as `node:tls` takes it. */
export type Pems = {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** One list each: node reads no more than the first of a text. */
  readonly crl?: string[];
};

/** A certificate is of no use without its key, nor a key without its certificate. */
export function pairFaults({ cert, key }: PemFiles): Fault[] {
  const missing = (field: string, expected: string): Fault => ({ code: "PEM", field, value: "", expected });
  if (cert.path !== "" && key.path === "") return [missing(key.option, `the key of ${cert.option}`)];
  if (key.path !== "" && cert.path === "") return [missing(cert.option, `the certificate of ${key.option}`)];
  return [];
}

/** InputError `FILE`. What it says is not looked at: the other side tells. */
export function readPems({ ca, cert, key, crl }: PemFiles): Pems {
  return {
    ...(ca.path === "" ? {} : { ca: readNamed(ca) }),
    ...(cert.path === "" ? {} : { cert: readNamed(cert) }),
    ...(key.path === "" ? {} : { key: readNamed(key) }),
    ...(crl === undefined || crl.path === "" ? {} : { crl: listsOf(readNamed(crl).toString("latin1")) }),
  };
}

const listsOf = (text: string): string[] => text.match(LIST) ?? [text];
const LIST = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g;

/** As `readPems`; InputError `PEM` if it is no certificate, or the key is another's. */
export function readCheckedPems(files: PemFiles): Pems {
  const pems = readPems(files);
  checkPems(files, pems);
  return pems;
}

/** InputError `PEM`. */
export function checkPems(files: PemFiles, { ca, cert, key, crl }: Pems): void {
  if (ca) check(files.ca, "PEM certificates", () => new X509Certificate(ca));
  if (cert) check(files.cert, "a PEM certificate", () => new X509Certificate(cert));
  if (cert && key)
    check(files.key, `the PEM key of ${files.cert.option}`, () => createSecureContext({ cert, key }));
  if (files.crl && crl) check(files.crl, "PEM revocation lists", () => createSecureContext({ crl }));
}

function check({ option, path }: NamedFile, expected: string, read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    const reason = `${expected} (${(cause as Error).message})`;
    throw new InputError({ code: "PEM", field: option, value: path, expected: reason });
  }
}
