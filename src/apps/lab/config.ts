// The lab's options and words. Never read anywhere else than here.
import { InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";

/** One table serves flags, environment, help and types. */
export const labOptions = {
  id: options.option(options.text, "", "id of a lab: four hexadecimal digits; needed only where several run"),
  hostsPerRack: options.option(
    options.integer(1, 32),
    2,
    "hosts of a rack, invented where the file lists fewer",
  ),
  podsPerHost: options.option(options.integer(1, 32), 3, "pods started on each host"),
  keep: options.option(options.toggle, false, "leave the lab running after the report"),
  throughput: options.option(options.oneOf("on", "off"), "on", "measure TCP throughput"),
  logLevel: options.option(
    options.oneOf("info", "debug", "warn", "error"),
    "info",
    "of the daemon and the agents",
  ),
} as const satisfies options.OptionTable;

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
  if (argv.includes("--help") && word !== "exec") return { kind: "help" };
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
    argv.at(-2)?.startsWith("--") === true && argv.at(-2) !== "--keep" && !argv.at(-2)?.includes("=");
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

export const HELP = `romana lab [TOPOLOGY-FILE] [OPTIONS]   build a data centre of network namespaces, prove it, report, remove it
romana lab exec [--id ID] NODE -- COMMAND   run a command inside a pod, host or router
romana lab status [--id ID]                 what runs
romana lab down [--id ID]                   remove a lab, or all of them

${options.describeOptions(labOptions, ENV_PREFIX)}
`;
