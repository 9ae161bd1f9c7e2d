// The listener's options: one table for flags, environment, help and types.
import { Seconds } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";
import { accessFaults, accessOptions, daemonOption, parseDaemons } from "../../io/daemon/access.ts";
import { healthFaults, healthOptions } from "../../io/http/health-options.ts";
import { kubeOptions } from "../../io/kube/kube-access.ts";

const { option } = options;

export const listenerOptions = {
  ...daemonOption,
  ...accessOptions,
  ...kubeOptions,
  resync: option(options.duration, Seconds(60), "how often the daemon's hosts are compared, besides events"),
  ...healthOptions("127.0.0.1:9608"),
  logLevel: option(options.oneOf("info", "debug", "warn", "error"), "info", "what is logged"),
  config: option(options.text, "", "file of options, YAML or JSON, keys as flags without dashes"),
} as const satisfies options.OptionTable;

export const ENV_PREFIX = "ROMANA_LISTENER";
export type ListenerConfig = options.OptionValues<typeof listenerOptions>;

/** What one option alone does not tell. InputError. */
export function checkConfig(config: ListenerConfig): void {
  const faults = parseDaemons(config.daemon).flatMap((url) => accessFaults(config, url));
  faults.push(...healthFaults(config));
  if (faults.length > 0) throw new InputError(faults);
}
