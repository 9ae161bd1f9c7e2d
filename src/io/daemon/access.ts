// How a program reaches the daemon: the files of certificates and token that its options name. All are read anew when they are used.
import { type Fault, InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";
import { isLoopback } from "../../core/net/loopback.ts";
import { readNamed } from "../files/named-file.ts";
import { pairFaults, type PemFiles } from "../files/pem-files.ts";

/** Of every program that speaks to the daemon all the time. */
export const daemonOption = {
  daemon: options.option(
    options.listOf(options.text),
    ["http://127.0.0.1:9600"],
    "the daemon's address; several replicas by commas",
  ),
} as const satisfies options.OptionTable;

/** Options of every program that speaks to the daemon. */
export const accessOptions = {
  daemonCa: options.option(
    options.text,
    "",
    "PEM file of the CA that the daemon's certificate is of; default those that everybody trusts",
  ),
  daemonCert: options.option(options.text, "", "PEM file of the certificate to show to the daemon"),
  daemonKey: options.option(options.text, "", "PEM file of that certificate's key"),
  daemonCrl: options.option(options.text, "", "PEM file of revocation lists for the daemon's certificate"),
  daemonTokenFile: options.option(
    options.text,
    "",
    "file whose first line is the token to show to the daemon",
  ),
} as const satisfies options.OptionTable;

/** Paths; "": none. */
export type DaemonAccess = options.OptionValues<typeof accessOptions>;

export const NO_ACCESS: DaemonAccess = {
  daemonCa: "",
  daemonCert: "",
  daemonKey: "",
  daemonCrl: "",
  daemonTokenFile: "",
};

export const accessPems = ({ daemonCa, daemonCert, daemonKey, daemonCrl }: DaemonAccess): PemFiles => ({
  ca: { option: "--daemon-ca", path: daemonCa },
  cert: { option: "--daemon-cert", path: daemonCert },
  key: { option: "--daemon-key", path: daemonKey },
  crl: { option: "--daemon-crl", path: daemonCrl },
});

/** What is wrong with `access` for a daemon at `url`: `PEM`, or `DAEMON_PLAIN`, as others would read along and answer in its place. */
export function accessFaults(access: DaemonAccess, url: URL): Fault[] {
  const isSafe = url.protocol === "https:" || isLoopback(url.hostname);
  const expected = "https, as certificates or a token are given: plain http tells them to whoever listens";
  const files = Object.keys(NO_ACCESS) as (keyof DaemonAccess)[];
  const given = files.some((name) => access[name] !== "");
  return [
    ...pairFaults(accessPems(access)),
    ...(given && !isSafe ? [{ code: "DAEMON_PLAIN", field: "daemon", value: url.origin, expected }] : []),
  ];
}

/** Addresses of `--daemon`. InputError `DAEMON_URL`. */
export function parseDaemons(urls: readonly string[]): URL[] {
  if (urls.length === 0)
    throw new InputError({
      code: "DAEMON_URL",
      field: "--daemon",
      value: "",
      expected: "at least one address",
    });
  return urls.map((text) => {
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
      throw new InputError({
        code: "DAEMON_URL",
        field: "--daemon",
        value: text,
        expected: "an address as https://10.0.0.1:9600",
      });
    return new URL(text);
  });
}

/** The file's first line; `undefined` where no file is given. InputError `FILE`, `TOKEN`. Never shows what it found. */
export function readToken({ daemonTokenFile: path }: DaemonAccess): string | undefined {
  if (path === "") return undefined;
  const option = "--daemon-token-file";
  const [token = ""] = readNamed({ option, path }).toString("utf8").split(/\r?\n/, 1);
  // RFC 6750 section 2.1
  if (/^[\w.~+/-]+=*$/.test(token)) return token;
  const expected = "a file whose first line is a token: letters, digits and -._~+/=";
  throw new InputError({ code: "TOKEN", field: option, value: path, expected });
}
