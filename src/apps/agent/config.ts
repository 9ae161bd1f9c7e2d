// The agent's options: one table for flags, environment, help and types.
import { Seconds } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";
import { type Cidr, parseCidr } from "../../core/net/cidr.ts";
import { accessFaults, accessOptions, daemonOption, parseDaemons } from "../../io/daemon/access.ts";
import { kubeOptions } from "../../io/kube/kube-access.ts";
import { healthFaults, healthOptions } from "../../io/http/health-options.ts";

const { option } = options;

export const agentOptions = {
  ...daemonOption,
  ...accessOptions,
  hostname: option(options.text, "", "name of this node; default the machine's"),
  linkName: option(
    options.text,
    "",
    "interface whose addresses other nodes reach this one by; default that of the default route",
  ),
  tags: option(
    options.listOf(options.text),
    [] as readonly string[],
    "labels of this node as key=value, by which the topology chooses its group",
  ),
  register: option(
    options.toggle,
    true,
    "make this node known to the daemon; =false where somebody else does",
  ),
  routeTableId: option(options.integer(1, 4_294_967_295), 10, "routing table for Romana's routes"),
  multihopBlocks: option(
    options.toggle,
    false,
    "route the blocks of hosts beyond the own segment too, through the default gateway",
  ),
  mtu: option(options.integer(0, 65_535), 0, "bytes, for pods; 0: that of the link"),
  serviceClusterIpRange: option(
    options.text,
    "",
    "CIDR of services, one a family by commas: pod networks must not overlap it",
  ),
  policy: option(options.toggle, true, "enforce network policies; =false: they have no say on this node"),
  denyLog: option(
    options.toggle,
    false,
    "log what policies deny, at most ten lines a second for each list of policies",
  ),
  failsafePorts: option(
    options.listOf(options.integer(1, 65_535)),
    [22, 2379, 2380, 6443, 9600, 10_250] as readonly number[],
    "TCP ports of this host that no policy cuts, in neither direction",
  ),
  nat: option(
    options.toggle,
    false,
    "what pods send out of the pods' networks goes under this node's address",
  ),
  natInterface: option(options.text, "", "--nat only for what leaves by this interface"),
  natExceptions: option(
    options.listOf(options.text),
    [] as readonly string[],
    "CIDRs of others who know the way to pods, and are left out of --nat",
  ),
  cniSocket: option(options.text, "/run/romana/cni.sock", "unix socket on which the CNI plugin asks"),
  criSocket: option(
    options.text,
    "",
    "unix socket of the container runtime (CRI v1): what is left of sandboxes that it has forgotten is released",
  ),
  sandboxGrace: option(
    options.duration,
    Seconds(300),
    "how long a sandbox must be unknown to the container runtime for that",
  ),
  cniInstall: option(
    options.text,
    "",
    "folder with the CNI plugin and its list, which are put in place once this agent is ready",
  ),
  cniBinDir: option(options.text, "/opt/cni/bin", "where the runtime looks for plugins"),
  cniConfDir: option(options.text, "/etc/cni/net.d", "where the runtime looks for lists of plugins"),
  stateDir: option(
    options.text,
    "/var/lib/romana",
    "directory for what must outlive the agent: its endpoints",
  ),
  kubernetes: option(
    options.toggle,
    false,
    "ask Kubernetes for the segment, addresses and networks of pods (labels and annotations)",
  ),
  ...kubeOptions,
  ...healthOptions("127.0.0.1:9607"),
  resync: option(options.duration, Seconds(60), "how often everything is observed again, besides events"),
  reportInterval: option(
    options.duration,
    Seconds(120),
    "how often the daemon is told what is alive here; what is not told of for long is freed",
  ),
  once: option(options.toggle, false, "sync once and end"),
  dryRun: option(options.toggle, false, "with --once: print the plan, change nothing"),
  logLevel: option(options.oneOf("info", "debug", "warn", "error"), "info", "what is logged"),
  config: option(options.text, "", "file of options, YAML or JSON, keys as flags without dashes"),
} as const satisfies options.OptionTable;

const LEAST_GRACE = Seconds(1);
export const ENV_PREFIX = "ROMANA_AGENT";
export type AgentConfig = options.OptionValues<typeof agentOptions>;

/** What one option alone does not tell. InputError, as of the parsers below. */
export function checkConfig(config: AgentConfig): void {
  parseTags(config.tags);
  const faults = parseDaemons(config.daemon).flatMap((url) => accessFaults(config, url));
  faults.push(...healthFaults(config));
  if (faults.length > 0) throw new InputError(faults);
  parseServiceRange(config.serviceClusterIpRange);
  parseCidrs("--nat-exceptions", config.natExceptions);
  if (config.sandboxGrace < LEAST_GRACE)
    throw new InputError({
      code: "OPTION_VALUE",
      field: "--sandbox-grace",
      value: config.sandboxGrace,
      expected: "at least 1s",
    });
  if (config.dryRun && !config.once)
    throw new InputError({
      code: "OPTION_VALUE",
      field: "--dry-run",
      value: true,
      expected: "--once beside it",
    });
}

/** CIDRs of `--service-cluster-ip-range`. InputError of `parseCidr`. */
export const parseServiceRange = (text: string): Cidr[] =>
  parseCidrs(
    "--service-cluster-ip-range",
    text.split(",").filter((each) => each !== ""),
  );

/** InputError of `parseCidr`, with `field`. */
export const parseCidrs = (field: string, texts: readonly string[]): Cidr[] =>
  texts.map((each) => parseCidr(each, field));

/** Labels of `--tags`. InputError `TAG`. */
export function parseTags(tags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    tags.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw new InputError({ code: "TAG", field: "--tags", value: text, expected: "key=value" });
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
