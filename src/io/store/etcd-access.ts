// How a cluster of etcd is reached: its endpoints from the store's text, and the files of certificates and password that options name.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { type Fault, InputError } from "../../base/errors.ts";
import type { EtcdOptions } from "./etcd-client.ts";
import { ENDPOINT, type EtcdTls } from "./etcd-endpoint.ts";

/** Paths of PEM files and of a file that holds the password; "": none. */
export type EtcdFiles = {
  readonly etcdCa: string;
  readonly etcdCert: string;
  readonly etcdKey: string;
  readonly etcdUser: string;
  readonly etcdPasswordFile: string;
};
export const NO_FILES: EtcdFiles = {
  etcdCa: "",
  etcdCert: "",
  etcdKey: "",
  etcdUser: "",
  etcdPasswordFile: "",
};

/** `list`: endpoints separated by commas. Throws InputError with all that is wrong; files are read again later, and may change. */
export function etcdAccess(list: string, files: EtcdFiles): EtcdOptions {
  const endpoints = list.split(",").map((text) => text.trim());
  const faults = [...endpointFaults(endpoints), ...pairFaults(endpoints, files)];
  if (faults.length > 0) throw new InputError(faults);
  const { etcdUser, etcdPasswordFile } = files;
  const tls = (): EtcdTls => readTls(files);
  checkPem(tls());
  if (etcdUser === "") return { endpoints, tls };
  const user = () => ({ name: etcdUser, password: readPassword(etcdPasswordFile) });
  user();
  return { endpoints, tls, user };
}

function endpointFaults(endpoints: readonly string[]): Fault[] {
  const isValid = (text: string): boolean => Number(ENDPOINT.exec(text)?.[3] ?? Infinity) <= 65_535;
  const expected = "endpoints as https://HOST:PORT or http://HOST:PORT, separated by commas";
  return endpoints
    .filter((text) => !isValid(text))
    .map((text) => ({ code: "ETCD_ENDPOINT", field: "--store", value: withoutSecret(text), expected }));
}

const withoutSecret = (text: string): string => text.replace(/\/\/.*@/, "//…@");

function pairFaults(endpoints: readonly string[], files: EtcdFiles): Fault[] {
  const { etcdCa, etcdCert, etcdKey, etcdUser, etcdPasswordFile } = files;
  const faults: Fault[] = [];
  const missing = (field: string, expected: string): void =>
    void faults.push({ code: "ETCD_OPTION", field, value: "", expected });
  if (etcdCert !== "" && etcdKey === "") missing("--etcd-key", "the key of --etcd-cert");
  if (etcdKey !== "" && etcdCert === "") missing("--etcd-cert", "the certificate of --etcd-key");
  if (etcdUser !== "" && etcdPasswordFile === "")
    missing("--etcd-password-file", "a file with the password of --etcd-user");
  if (etcdPasswordFile !== "" && etcdUser === "")
    missing("--etcd-user", "the user whose password --etcd-password-file holds");
  const isPlain = !endpoints.some((text) => text.startsWith("https:"));
  if (isPlain && etcdCa + etcdCert !== "") {
    const expected = "an endpoint with https, as certificates are given";
    faults.push({ code: "ETCD_OPTION", field: "--store", value: endpoints.join(","), expected });
  }
  return faults;
}

function readTls({ etcdCa, etcdCert, etcdKey }: EtcdFiles): EtcdTls {
  return {
    ...(etcdCa === "" ? {} : { ca: readBytes(etcdCa, "--etcd-ca") }),
    ...(etcdCert === "" ? {} : { cert: readBytes(etcdCert, "--etcd-cert") }),
    ...(etcdKey === "" ? {} : { key: readBytes(etcdKey, "--etcd-key") }),
  };
}

/** The file's first line. */
function readPassword(path: string): string {
  const [password = ""] = readBytes(path, "--etcd-password-file").toString().split(/\r?\n/, 1);
  if (password !== "") return password;
  const expected = "a file whose first line is the password";
  throw new InputError({ code: "ETCD_OPTION", field: "--etcd-password-file", value: path, expected });
}

function checkPem({ ca, cert, key }: EtcdTls): void {
  const check = (field: string, expected: string, read: () => unknown): void => {
    try {
      read();
    } catch (cause) {
      const reason = `${expected} (${(cause as Error).message})`;
      throw new InputError({ code: "ETCD_PEM", field, value: "the file's content", expected: reason });
    }
  };
  if (ca) check("--etcd-ca", "PEM certificates", () => new X509Certificate(ca));
  if (cert) check("--etcd-cert", "a PEM certificate", () => new X509Certificate(cert));
  if (cert && key)
    check("--etcd-key", "the PEM key of --etcd-cert", () => createSecureContext({ cert, key }));
}

function readBytes(path: string, field: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new InputError({ code: "FILE", field, value: path, expected: `a readable file (${reason})` });
  }
}
