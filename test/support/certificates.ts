// Certificates for tests, made by openssl: an authority of its own for each call of `createAuthority`.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files. */
export type CertificateFiles = { readonly ca: string; readonly cert: string; readonly key: string };

export interface Authority {
  readonly ca: string;
  /** For server and client; `names` as "DNS:a" or "IP:127.0.0.1". `days` below 0: ended already. */
  issue(name: string, names: readonly string[], days?: number): CertificateFiles;
}

const openssl = (...args: string[]): Buffer =>
  execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Writes to `dir`, which it makes. */
export function createAuthority(dir: string): Authority {
  mkdirSync(dir, { recursive: true });
  const [ca, caKey] = [join(dir, "ca.pem"), join(dir, "ca-key.pem")];
  openssl(
    "req",
    "-x509",
    ...NEW_KEY,
    "-keyout",
    caKey,
    "-out",
    ca,
    "-subj",
    "/CN=test authority",
    "-days",
    "2",
  );
  return {
    ca,
    issue(name, names, days = 1) {
      const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}-key.pem`)];
      const [request, extensions] = [join(dir, `${name}.csr`), join(dir, `${name}.ext`)];
      openssl("req", ...NEW_KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
      const alternatives = names.length > 0 ? `subjectAltName=${names.join(",")}\n` : "";
      writeFileSync(extensions, `extendedKeyUsage=serverAuth,clientAuth\n${alternatives}`);
      const signed = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-days", String(days)];
      openssl("x509", "-req", "-in", request, "-out", cert, "-extfile", extensions, ...signed);
      return { ca, cert, key };
    },
  };
}
