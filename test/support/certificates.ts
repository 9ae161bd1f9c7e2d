// An authority of its own and the certificates that it issues and revokes, made by openssl(1) when a test asks for them.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Paths of PEM files. */
export type CertificateFiles = { readonly ca: string; readonly cert: string; readonly key: string };

/** Days from now on that it is valid, what for (extendedKeyUsage), and the subject's O, or more of it: `romana:tenants/OU=shop`. */
export type Issuing = {
  readonly starts?: number;
  readonly ends?: number;
  readonly usage?: string;
  readonly organisation?: string;
};

export interface Authority {
  readonly ca: string;
  /** The names as "DNS:a" or "IP:127.0.0.1". For server and client, since yesterday until tomorrow, unless told otherwise. */
  issue(name: string, names: readonly string[], issuing?: Issuing): CertificateFiles;
  /** Writes the list of all that is revoked, with this one too, which ends that many days from now; its path. */
  revoke(files?: CertificateFiles, ends?: number): string;
}

const openssl = (...args: string[]): Buffer =>
  execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const DAY = 86_400_000;

/** `YYYYMMDDHHMMSSZ`, as openssl-ca(1) takes it. */
const dayFromNow = (days: number): string =>
  new Date(Date.now() + days * DAY)
    .toISOString()
    .replace(/[-:T]|\..*/g, "")
    .concat("Z");

const settings = (dir: string): string => `[ca]
default_ca = test
[test]
database = ${dir}/index.txt
new_certs_dir = ${dir}
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
organizationName = optional
organizationalUnitName = optional
`;

/** Writes to `dir`, which it makes. */
export function createAuthority(dir: string): Authority {
  mkdirSync(dir, { recursive: true });
  const [ca, caKey, config] = [join(dir, "ca.pem"), join(dir, "ca-key.pem"), join(dir, "ca.cnf")];
  writeFileSync(config, settings(dir));
  writeFileSync(join(dir, "index.txt"), "");
  const own = ["-keyout", caKey, "-out", ca, "-subj", `/CN=authority ${basename(dir)}`, "-days", "2"];
  openssl("req", "-x509", ...NEW_KEY, ...own);
  const sign = (...args: string[]): Buffer =>
    openssl("ca", "-config", config, "-batch", "-cert", ca, "-keyfile", caKey, ...args);
  return {
    ca,
    issue(name, names, { starts = -1, ends = 1, usage = "serverAuth,clientAuth", organisation } = {}) {
      const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}-key.pem`)];
      const [request, extensions] = [join(dir, `${name}.csr`), join(dir, `${name}.ext`)];
      const subject = `${organisation === undefined ? "" : `/O=${organisation}`}/CN=${name}`;
      openssl("req", ...NEW_KEY, "-keyout", key, "-out", request, "-subj", subject);
      const alternatives = names.length > 0 ? `subjectAltName=${names.join(",")}\n` : "";
      writeFileSync(extensions, `extendedKeyUsage=${usage}\n${alternatives}`);
      const times = ["-startdate", dayFromNow(starts), "-enddate", dayFromNow(ends)];
      sign("-in", request, "-out", cert, "-extfile", extensions, "-notext", ...times);
      return { ca, cert, key };
    },
    revoke(files, ends = 1) {
      if (files) sign("-revoke", files.cert);
      const list = join(dir, "crl.pem");
      const times = ["-crl_lastupdate", dayFromNow(-2), "-crl_nextupdate", dayFromNow(ends)];
      sign("-gencrl", ...times, "-out", list);
      return list;
    },
  };
}
