// The publisher's options: one table for flags, environment, help and types.
import { Seconds } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";
import { accessFaults, accessOptions, daemonOption, parseDaemons } from "../../io/daemon/access.ts";
import { healthFaults, healthOptions } from "../../io/http/health-options.ts";

const { option } = options;

export const publisherOptions = {
  ...daemonOption,
  ...accessOptions,
  hostname: option(options.text, "", "name of this node; default the machine's"),
  birdConfig: option(
    options.text,
    "/etc/bird/bird.conf",
    "BIRD's configuration file: the publisher's alone, nothing else in it stays",
  ),
  birdSocket: option(options.text, "/run/bird/bird.ctl", "BIRD's control socket"),
  birdProgram: option(options.text, "bird", "the program that checks a configuration"),
  stateDir: option(
    options.text,
    "/var/lib/romana",
    "directory for what must outlive the publisher: the newest store revision it has seen",
  ),
  look: option(options.duration, Seconds(2), "how often BIRD is asked for its sessions"),
  ...healthOptions("127.0.0.1:9609"),
  logLevel: option(options.oneOf("info", "debug", "warn", "error"), "info", "what is logged"),
  config: option(options.text, "", "file of options, YAML or JSON, keys as flags without dashes"),
} as const satisfies options.OptionTable;

export const ENV_PREFIX = "ROMANA_PUBLISHER";
export type PublisherConfig = options.OptionValues<typeof publisherOptions>;

/** What one option alone does not tell. InputError. */
export function checkConfig(config: PublisherConfig): void {
  const faults = parseDaemons(config.daemon).flatMap((url) => accessFaults(config, url));
  faults.push(...healthFaults(config));
  if (faults.length > 0) throw new InputError(faults);
}
