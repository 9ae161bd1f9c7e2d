// The lab's options and words. Never read anywhere else than here.
import { InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";

/** One table serves flags, environment, help and types. */
export const labOptions = {
  id: options.option(options.text, "", "the lab that is meant, where there are several"),
  hostsPerRack: options.option(
    options.integer(1, 32),
    2,
    "hosts of a rack; invented where the file lists fewer",
  ),
  podsPerHost: options.option(options.integer(1, 32), 3, "pods started on each host"),
  keep: options.option(options.toggle, false, "leave the lab running after the report"),
  tls: options.option(
    options.toggle,
    false,
    "daemon and agents show each other certificates, which openssl makes",
  ),
  throughput: options.option(options.oneOf("on", "off"), "on", "measure TCP throughput"),
  logLevel: options.option(
    options.oneOf("info", "debug", "warn", "error"),
    "info",
    "what daemon and agents log",
  ),
} as const satisfies options.OptionTable;

const SWITCHES = new Set(["--keep", "--tls"]);

export const ENV_PREFIX = "ROMANA_LAB";
export type LabConfig = options.OptionValues<typeof labOptions>;

export type LabCommand =
  | { readonly kind: "run"; readonly topology: string | undefined; readonly config: LabConfig }
  | { readonly kind: "status" | "down"; readonly config: LabConfig }
  | {
      readonly kind: "exec";
      readonly node: string;
      readonly argv: readonly string[];
      readonly config: LabConfig;
    }
  /** Internal: follows the daemon for the routers of the lab whose directory is given. */
  | { readonly kind: "controller"; readonly directory: string }
  | { readonly kind: "help" };

type Env = Readonly<Record<string, string | undefined>>;

/** InputError `LAB_WORD`, `LAB_EXEC`, and those of `readOptions`. */
export function parseLabCommand(argv: readonly string[], env: Env): LabCommand {
  const [word = "", ...rest] = argv;
  const asksHelp = (text: string | undefined): boolean => text === "--help" || text === "-h";
  // After `exec NODE` the words are another program's.
  if (word === "exec" ? asksHelp(rest[0]) : argv.some(asksHelp)) return { kind: "help" };
  switch (word) {
    case "status":
    case "down":
      return { kind: word, config: configOf(rest, env) };
    case "exec":
      return execCommand(rest, env);
    case "controller":
      return { kind: "controller", directory: rest[0] ?? "" };
    default:
      return runCommand(argv, env);
  }
}

/** `lab [topology-file] [flags]`: the file stands first or last. */
function runCommand(argv: readonly string[], env: Env): LabCommand {
  const isFile = (text: string | undefined): boolean =>
    text !== undefined && text !== "" && !text.startsWith("-");
  if (isFile(argv[0])) return { kind: "run", topology: argv[0], config: configOf(argv.slice(1), env) };
  const last = argv.at(-1);
  const takesValue =
    argv.at(-2)?.startsWith("--") === true && !SWITCHES.has(argv.at(-2) ?? "") && !argv.at(-2)?.includes("=");
  if (isFile(last) && !takesValue)
    return { kind: "run", topology: last, config: configOf(argv.slice(0, -1), env) };
  return { kind: "run", topology: undefined, config: configOf(argv, env) };
}

/** `exec [--id ID] NODE [--] COMMAND…` */
function execCommand(argv: readonly string[], env: Env): LabCommand {
  const own = argv[0] === "--id" ? 2 : argv[0]?.startsWith("--id=") === true ? 1 : 0;
  const config = configOf(argv.slice(0, own), env);
  const [node = "", ...rest] = argv.slice(own);
  const command = rest[0] === "--" ? rest.slice(1) : rest;
  if (node === "" || command.length === 0)
    throw new InputError({
      code: "LAB_EXEC",
      field: "lab exec",
      value: argv.join(" "),
      expected: "a pod, host or router and a command: romana lab exec NODE -- COMMAND",
    });
  return { kind: "exec", node, argv: command, config };
}

function configOf(argv: readonly string[], env: Env): LabConfig {
  const config = options.readOptions(labOptions, { argv, env, envPrefix: ENV_PREFIX });
  if (config.id !== "" && !/^[0-9a-f]{4}$/.test(config.id))
    throw new InputError({
      code: "LAB_ID",
      field: "--id",
      value: config.id,
      expected: "four hexadecimal digits",
    });
  return config;
}

export const HELP = `romana lab builds a data centre on this machine from a topology file: hosts,
top-of-rack and spine routers, each a network namespace, with the daemon, an
agent per host, and pods. It proves with packets that prefixes, routes and pods
are as the file says, reports, and removes everything again.

  romana lab [FILE] [OPTIONS]       build, prove, report; FILE is JSON, JSONC or
                                    YAML, or built in (kubeadm); without one:
                                    two zones of two racks
  romana lab status                 the labs of this machine and their addresses
  romana lab exec NODE -- COMMAND   a command inside a pod, host or router
  romana lab down                   remove labs that were kept or left over;
                                    with --id: that one, at work or not

${options.describeOptions(labOptions, ENV_PREFIX)}

Examples
  romana lab my-topology.yaml --hosts-per-rack 3 --keep
  romana lab exec spine-zone-a -- ip route
  romana lab exec rack-a1-h1-p1 -- ping -c3 10.124.0.0

Needs root. Changes nothing outside of its namespaces and /run/romana-lab.
Exit codes: 0 all holds, 1 something does not, 2 wrong input, 130 interrupted.
`;
