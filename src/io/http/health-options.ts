// Where a program that is no server tells of its health and metrics: its options, and what they may not say.
import type { Fault } from "../../base/errors.ts";
import * as options from "../../base/options.ts";
import { parseListen, plainFaults, tlsFaults, tlsOptions } from "./listen-address.ts";

/** A port alone is what Romana v2 took, and a number in a file. */
const metricsPlace: options.OptionType<string> = {
  meta: "ADDRESS:PORT",
  expected: "ADDRESS:PORT or a port",
  read: (raw) => (/^(|.*:)\d{1,5}$/.test(String(raw)) ? String(raw) : undefined),
};

/** `usual`: the default, as ADDRESS:PORT. */
export const healthOptions = (usual: string) =>
  ({
    metrics: options.option(
      metricsPlace,
      usual,
      "address and port of health and metrics; a port alone is on 127.0.0.1; 0: none",
    ),
    ...tlsOptions,
    insecure: options.option(options.toggle, false, "health and metrics off loopback without TLS"),
  }) as const satisfies options.OptionTable;

export type HealthOptions = options.OptionValues<ReturnType<typeof healthOptions>>;

/** Where `--metrics` says to listen, as ADDRESS:PORT; "": nowhere. */
export const metricsAddress = (text: string): string =>
  text === "0" ? "" : text.includes(":") ? text : `127.0.0.1:${text}`;

/** As of `tlsFaults` and `plainFaults`. InputError of `parseListen`. */
export function healthFaults(given: HealthOptions): Fault[] {
  const address = metricsAddress(given.metrics);
  if (address === "") return [];
  parseListen("--metrics", address);
  return [...tlsFaults(given), ...(given.insecure ? [] : plainFaults("--metrics", address, given))];
}
