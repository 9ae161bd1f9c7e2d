// The words and options of `romana store`. Never read anywhere else than here.
import { InputError } from "../../base/errors.ts";
import * as options from "../../base/options.ts";
import { etcdOptions } from "../../io/store/open-store.ts";

/** One table serves flags, environment, help and types. */
export const storeOptions = {
  replace: options.option(
    options.toggle,
    false,
    "give up what the store holds that is imported or copied into",
  ),
  ...etcdOptions,
} as const satisfies options.OptionTable;
export type StoreConfig = options.OptionValues<typeof storeOptions>;

const ENV_PREFIX = "ROMANA_STORE";

/** The words of each command, as help shows them. */
const COMMANDS = {
  export: ["STORE", "FILE"],
  import: ["FILE", "STORE"],
  copy: ["FROM", "TO"],
  verify: ["FILE|STORE"],
} as const satisfies Record<string, readonly string[]>;

export type StoreCommand =
  | {
      readonly kind: "export" | "import" | "copy";
      readonly from: string;
      readonly to: string;
      readonly config: StoreConfig;
    }
  | { readonly kind: "verify"; readonly what: string; readonly config: StoreConfig }
  | { readonly kind: "help" };

type Env = Readonly<Record<string, string | undefined>>;

/** Words first, then flags. InputError `STORE_COMMAND`, `STORE_WORDS`, and those of `readOptions`. */
export function parseStoreCommand(argv: readonly string[], env: Env): StoreCommand {
  if (argv.includes("--help")) return { kind: "help" };
  const [kind = "", ...rest] = argv;
  if (!isCommand(kind))
    throw new InputError({
      code: "STORE_COMMAND",
      field: "romana store",
      value: kind,
      expected: `one of ${Object.keys(COMMANDS).join(", ")}; see romana store --help`,
    });
  const flagsAt = rest.findIndex((word) => word.startsWith("-"));
  const words = flagsAt < 0 ? rest : rest.slice(0, flagsAt);
  const argvOfFlags = rest.slice(words.length);
  if (words.length !== COMMANDS[kind].length)
    throw new InputError({
      code: "STORE_WORDS",
      field: `romana store ${kind}`,
      value: words.join(" "),
      expected: COMMANDS[kind].join(" "),
    });
  const config = options.readOptions(storeOptions, { argv: argvOfFlags, env, envPrefix: ENV_PREFIX });
  const [from = "", to = ""] = words;
  return kind === "verify" ? { kind, what: from, config } : { kind, from, to, config };
}

const isCommand = (word: string): word is keyof typeof COMMANDS => Object.hasOwn(COMMANDS, word);

export const HELP = `romana store export STORE FILE [OPTIONS]  the records of a store, as a backup
romana store import FILE STORE [OPTIONS]  a backup into an empty store
romana store copy FROM TO [OPTIONS]       the records of a store into another, empty one
romana store verify FILE|STORE [OPTIONS]  whether a backup is whole, and every record can be read

A STORE is sqlite:PATH or etcd:URL,URL…. No daemon may have an sqlite file open: \`romana backup FILE\` asks a running daemon for a backup.

${options.describeOptions(storeOptions, ENV_PREFIX)}
`;
