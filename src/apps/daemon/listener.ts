// Where the API listens and with which certificates: what the options say of it, and what they may not say.
import { type Fault, InputError } from "../../base/errors.ts";
import { isLoopback } from "../../core/net/loopback.ts";
import { pairFaults, type PemFiles } from "../../io/pem/pem-files.ts";
import type { DaemonConfig } from "./config.ts";

type ListenerConfig = Pick<
  DaemonConfig,
  "listen" | "tlsCert" | "tlsKey" | "tlsClientCa" | "tokenFile" | "insecure"
>;

/** InputError with all that is wrong: `LISTEN`, `LISTEN_PLAIN`, `LISTEN_OPEN` (off loopback without TLS, without credentials), `PEM` (one file without the other). */
export function checkListener(config: ListenerConfig): void {
  const { host } = parseListen(config.listen);
  const faults: Fault[] = pairFaults(pemFiles(config));
  const refuse = (code: string, field: string, value: unknown, expected: string): void =>
    void faults.push({ code, field, value, expected });
  if (config.tlsClientCa !== "" && config.tlsCert === "")
    refuse("PEM", "--tls-cert", "", "a certificate, as --tls-client-ca is given");
  if (!config.insecure && !isLoopback(host)) {
    if (config.tlsCert === "")
      refuse("LISTEN_PLAIN", "--listen", config.listen, `--tls-cert and --tls-key, ${ELSE} read along`);
    else if (!asksWho(config))
      refuse(
        "LISTEN_OPEN",
        "--listen",
        config.listen,
        `--tls-client-ca or --token-file, ${ELSE} do everything`,
      );
  }
  if (faults.length > 0) throw new InputError(faults);
}

const ELSE = "an address of loopback, or --insecure: others would";

/** Whether callers must say who they are; otherwise each of them is the administrator. */
export const asksWho = ({
  tlsClientCa,
  tokenFile,
}: Pick<ListenerConfig, "tlsClientCa" | "tokenFile">): boolean => tlsClientCa !== "" || tokenFile !== "";

/** `undefined`: plain HTTP. */
export const tlsFiles = (config: ListenerConfig): PemFiles | undefined =>
  config.tlsCert === "" ? undefined : pemFiles(config);

const pemFiles = ({ tlsCert, tlsKey, tlsClientCa }: ListenerConfig): PemFiles => ({
  ca: { option: "--tls-client-ca", path: tlsClientCa },
  cert: { option: "--tls-cert", path: tlsCert },
  key: { option: "--tls-key", path: tlsKey },
});

/** `host:port`, `[v6]:port`, or `:port` for every address. */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535)
    throw new InputError({ code: "LISTEN", field: "--listen", value: text, expected: "ADDRESS:PORT" });
  return { host: (match[1] ?? match[2]) || "::", port };
}
