// Where the API listens and whom it asks who he is: what the options may not say of it.
import { type Fault, InputError } from "../../base/errors.ts";
import { isLoopback } from "../../core/net/loopback.ts";
import { parseListen, plainFaults, tlsFaults } from "../../io/http/listen-address.ts";
import type { DaemonConfig } from "./config.ts";

const LISTEN = "--listen";

/** InputError with all that is wrong: `LISTEN`, `PEM`, and off loopback without `--insecure` `LISTEN_PLAIN` (no TLS), `LISTEN_OPEN` (nobody is asked who he is). */
export function checkListener(config: DaemonConfig): void {
  const faults: Fault[] = tlsFaults(config);
  if (!config.insecure) faults.push(...plainFaults(LISTEN, config.listen, config), ...openFaults(config));
  if (faults.length > 0) throw new InputError(faults);
}

function openFaults(config: DaemonConfig): Fault[] {
  if (asksWho(config) || listensOnLoopback(config)) return [];
  const expected =
    "--tls-client-ca, --token-file or --service-accounts, an address of loopback, or --insecure: others would do everything";
  return [{ code: "LISTEN_OPEN", field: LISTEN, value: config.listen, expected }];
}

/** Whether callers must say who they are; otherwise each of them is the administrator. */
export const asksWho = (
  config: Pick<DaemonConfig, "tlsClientCa" | "tokenFile" | "serviceAccounts">,
): boolean => config.tlsClientCa !== "" || config.tokenFile !== "" || config.serviceAccounts.length > 0;

export const listenAddress = ({ listen }: Pick<DaemonConfig, "listen">): { host: string; port: number } =>
  parseListen(LISTEN, listen);

export const listensOnLoopback = (config: Pick<DaemonConfig, "listen">): boolean =>
  isLoopback(listenAddress(config).host);
