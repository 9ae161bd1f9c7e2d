// The daemon's options. Never read anywhere else than here.
import { Seconds } from "../../base/clock.ts";
import * as options from "../../base/options.ts";
import { tlsOptions } from "../../io/http/listen-address.ts";
import { kubeOptions } from "../../io/kube/kube-access.ts";
import { etcdOptions } from "../../io/store/open-store.ts";

/** One table serves flags, environment, file, help and types. */
export const daemonOptions = {
  listen: options.option(
    options.text,
    "127.0.0.1:9600",
    "address and port of the REST API; `:9600` is every address",
  ),
  ...tlsOptions,
  tokenFile: options.option(options.text, "", "file of the tokens that clients may show"),
  ...kubeOptions,
  serviceAccounts: options.option(
    options.listOf(serviceAccount()),
    [],
    "ServiceAccounts of Kubernetes whose tokens are believed, and their roles",
  ),
  tokenAudience: options.option(
    options.text,
    "romana",
    "audience that tokens of ServiceAccounts must be for",
  ),
  insecure: options.option(
    options.toggle,
    false,
    "listen off loopback without TLS or without credentials; plain http to etcd off loopback",
  ),
  clientRate: options.option(
    options.integer(0, 1_000_000),
    500,
    "requests a second of one client, with bursts of four times as many; 0: no limits",
  ),
  store: options.option(
    options.text,
    "sqlite:/var/lib/romana/romana.db",
    "`memory`, `sqlite:PATH` or `etcd:URL,URL…`",
  ),
  ...etcdOptions,
  initialTopology: options.option(
    options.text,
    "",
    "topology (file, or name of a built-in one) applied if the store has none",
  ),
  networkCidrOverrides: options.option(
    options.listOf(override()),
    [],
    "CIDRs put in place of the topology's: NAME=CIDR; for the initial topology",
  ),
  cloud: options.option(options.oneOf("", "aws"), "", "picks a built-in initial topology"),
  region: options.option(options.text, "", "cloud region of the built-in topology"),
  adoptionWindow: options.option(
    options.duration,
    Seconds(10),
    "time for live hosts to report their addresses before any is handed out",
  ),
  newCluster: options.option(options.toggle, false, "a fresh store is a new cluster: nothing to adopt"),
  hostQuarantine: options.option(
    options.duration,
    Seconds(300),
    "time after its removal in which nobody else gets what a host had",
  ),
  leakGrace: options.option(
    options.duration,
    Seconds(900),
    "time between two reports of an agent that lack an address, before it is freed",
  ),
  logLevel: options.option(options.oneOf("info", "debug", "warn", "error"), "info", "least level logged"),
  config: options.option(options.text, "", "YAML or JSON file with these options"),
} as const satisfies options.OptionTable;

export const ENV_PREFIX = "ROMANA_DAEMON";
export type DaemonConfig = options.OptionValues<typeof daemonOptions>;

export type CidrOverride = { readonly network: string; readonly cidr: string };

function override(): options.OptionType<CidrOverride> {
  return {
    meta: "NAME=CIDR",
    expected: "NAME=CIDR",
    read: (raw) => {
      const [, network = "", cidr = ""] = (typeof raw === "string" && /^([^=]+)=([^=]+)$/.exec(raw)) || [];
      return network === "" ? undefined : { network, cidr };
    },
  };
}

export type ServiceAccount = {
  readonly namespace: string;
  readonly name: string;
  readonly role: "admin" | "service" | "node" | "read-only";
};

function serviceAccount(): options.OptionType<ServiceAccount> {
  return {
    meta: "NAMESPACE/NAME=ROLE",
    expected: "NAMESPACE/NAME=ROLE, with ROLE one of admin, service, node, read-only",
    read: (raw) => {
      const form = /^([a-z0-9-]+)\/([a-z0-9.-]+)=(admin|service|node|read-only)$/;
      const [, namespace = "", name = "", role] = (typeof raw === "string" && form.exec(raw)) || [];
      return role === undefined ? undefined : { namespace, name, role: role as ServiceAccount["role"] };
    },
  };
}
