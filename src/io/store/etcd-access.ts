// How a cluster of etcd is reached: its endpoints from the store's text, and the files of certificates and password that options name.
import { type Fault, InputError } from "../../base/errors.ts";
import { isLoopback } from "../../core/net/loopback.ts";
import { readNamed } from "../files/named-file.ts";
import { pairFaults, type PemFiles, readCheckedPems, readPems } from "../files/pem-files.ts";
import type { EtcdOptions } from "./etcd-client.ts";
import { ENDPOINT } from "./etcd-endpoint.ts";

/** Paths of PEM files and of a file that holds the password; "": none. */
export type EtcdFiles = {
  readonly etcdCa: string;
  readonly etcdCert: string;
  readonly etcdKey: string;
  readonly etcdUser: string;
  readonly etcdPasswordFile: string;
  /** Plain http off loopback is taken. A password is not sent that way all the same. */
  readonly insecure?: boolean;
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
  const faults = [...endpointFaults(endpoints), ...optionFaults(endpoints, files)];
  if (faults.length > 0) throw new InputError(faults);
  const { etcdUser, etcdPasswordFile } = files;
  const pems = pemFiles(files);
  const tls = () => readPems(pems);
  readCheckedPems(pems);
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

const OPENLY =
  "https, or an address of loopback (a daemon may be told --insecure): whoever is in between reads and writes every record";

const withoutSecret = (text: string): string => text.replace(/\/\/.*@/, "//…@");

function optionFaults(endpoints: readonly string[], files: EtcdFiles): Fault[] {
  const { etcdCa, etcdCert, etcdUser, etcdPasswordFile } = files;
  const faults = pairFaults(pemFiles(files));
  const missing = (field: string, expected: string): void =>
    void faults.push({ code: "ETCD_OPTION", field, value: "", expected });
  if (etcdUser !== "" && etcdPasswordFile === "")
    missing("--etcd-password-file", "a file with the password of --etcd-user");
  if (etcdPasswordFile !== "" && etcdUser === "")
    missing("--etcd-user", "the user whose password --etcd-password-file holds");
  const openly = endpoints.find(
    (text) => text.startsWith("http:") && !isLoopback(ENDPOINT.exec(text)?.[2] ?? ""),
  );
  const fault = (value: string, expected: string): Fault => ({
    ...{ code: "ETCD_OPTION", field: "--store", value, expected },
  });
  if (etcdUser !== "" && openly !== undefined) faults.push(fault(openly, "https, as a password is sent"));
  else if (openly !== undefined && files.insecure !== true) faults.push(fault(openly, OPENLY));
  const isPlain = !endpoints.some((text) => text.startsWith("https:"));
  if (isPlain && etcdCa + etcdCert !== "") {
    faults.push(fault(endpoints.join(","), "an endpoint with https, as certificates are given"));
  }
  return faults;
}

const pemFiles = ({ etcdCa, etcdCert, etcdKey }: EtcdFiles): PemFiles => ({
  ca: { option: "--etcd-ca", path: etcdCa },
  cert: { option: "--etcd-cert", path: etcdCert },
  key: { option: "--etcd-key", path: etcdKey },
});

/** The file's first line. */
function readPassword(path: string): string {
  const option = "--etcd-password-file";
  const [password = ""] = readNamed({ option, path }).toString().split(/\r?\n/, 1);
  if (password !== "") return password;
  const expected = "a file whose first line is the password";
  throw new InputError({ code: "ETCD_OPTION", field: option, value: path, expected });
}
