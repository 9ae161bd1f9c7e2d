// The lab's own authority and its certificates, as an operator makes them with openssl, and the flags that put them to use. Without
// `--tls` nobody is asked who he is: nobody else is in the lab's network.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DaemonAccess, NO_ACCESS } from "../../io/daemon/access.ts";
import { allOf } from "../../base/all-of.ts";
import { checked, type Run } from "./fabric.ts";
import type { LabState } from "./state.ts";

/** Who is the lab's program and its controller for the daemon. */
const ADMIN = "lab-admin";
const LIFE_DAYS = "30";
/** Processes of openssl at the same time. */
const AT_ONCE = 4;
/** All that openssl-req(1) needs of a settings file. */
const SETTINGS = "[req]\ndistinguished_name = name\n[name]\n";

type Place = Pick<LabState, "directory" | "tls">;

const pem = ({ directory }: Place, name: string): string => join(directory, "tls", `${name}.pem`);
const keyOf = ({ directory }: Place, name: string): string => join(directory, "tls", `${name}-key.pem`);

/** Nothing where the lab has no TLS. UnavailableError `LAB_COMMAND`. */
export async function makeCertificates(state: LabState, run: Run): Promise<void> {
  if (!state.tls) return;
  const settings = join(state.directory, "tls", "openssl.cnf");
  await mkdir(join(state.directory, "tls"), { mode: 0o700 });
  await writeFile(settings, SETTINGS);
  const issue = async (name: string, subject: string, ...more: string[]): Promise<void> => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", keyOf(state, name), "-out", pem(state, name)];
    const argv = ["openssl", "req", "-x509", "-config", settings, ...key, ...files, "-days", LIFE_DAYS];
    await checked(run, [...argv, "-subj", subject, ...more]);
  };
  await issue("ca", "/CN=lab", "-addext", "basicConstraints=critical,CA:true");
  const signed = ["-CA", pem(state, "ca"), "-CAkey", keyOf(state, "ca")];
  const client = [...signed, "-addext", "extendedKeyUsage=clientAuth"];
  const names = ["-addext", `subjectAltName=IP:127.0.0.1,IP:${state.daemon}`];
  await issue("daemon", "/CN=daemon", ...signed, "-addext", "extendedKeyUsage=serverAuth", ...names);
  await issue(ADMIN, `/O=romana:admins/CN=${ADMIN}`, ...client);
  await allOf(state.hosts, ({ name }) => issue(name, `/O=romana:nodes/CN=${name}`, ...client), AT_ONCE);
}

export const serverFlags = (state: Place): string[] =>
  state.tls
    ? [
        `--tls-cert=${pem(state, "daemon")}`,
        `--tls-key=${keyOf(state, "daemon")}`,
        `--tls-client-ca=${pem(state, "ca")}`,
      ]
    : ["--insecure"];

/** How a host's agent, or the lab itself, reaches the daemon. */
export const accessOf = (state: Place, who = ADMIN): DaemonAccess =>
  state.tls
    ? { ...NO_ACCESS, daemonCa: pem(state, "ca"), daemonCert: pem(state, who), daemonKey: keyOf(state, who) }
    : NO_ACCESS;

export const agentFlags = (state: Place, host: string): string[] => {
  const { daemonCa, daemonCert, daemonKey } = accessOf(state, host);
  return state.tls
    ? [`--daemon-ca=${daemonCa}`, `--daemon-cert=${daemonCert}`, `--daemon-key=${daemonKey}`]
    : [];
};

export const daemonUrl = ({ tls }: Place, address: string, port: number): URL =>
  new URL(`${tls ? "https" : "http"}://${address}:${port}`);
