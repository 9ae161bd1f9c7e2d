// An app's options as one typed table: default < file < environment < flag, all faults told at once, frozen.
// Never touches the process: argv, environment and the file's reader are given.
import { Milliseconds, type Duration } from "./clock.ts";
import { InputError, type Fault } from "./errors.ts";

/** How an option's value is read from text (flag, environment) or from a file's JSON value. */
export type OptionType<T> = {
  /** As help shows it: `ADDR:PORT`; "" for a switch. */
  readonly meta: string;
  readonly expected: string;
  /** `undefined`: not a value of this type. */
  readonly read: (raw: unknown) => T | undefined;
  /** A flag that needs no value. */
  readonly isSwitch?: true;
  /** May be given several times: values are concatenated within one source. */
  readonly isList?: true;
};

export type Option<T> = { readonly type: OptionType<T>; readonly default: T; readonly help: string };
export type OptionTable = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never;
};

export type OptionSources = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `ROMANA_DAEMON` makes `--adoption-window` also `ROMANA_DAEMON_ADOPTION_WINDOW`. */
  readonly envPrefix: string;
  /** Reads the file that the option `config` names; keys are written as flags without the dashes. */
  readonly readFile?: (path: string) => Readonly<Record<string, unknown>>;
};

/** Declares one option. */
export const option = <T>(type: OptionType<T>, fallback: T, help: string): Option<T> => ({
  type,
  default: fallback,
  help,
});

export const text: OptionType<string> = {
  meta: "TEXT",
  expected: "a text",
  read: (raw) => (typeof raw === "string" ? raw : undefined),
};
export const toggle: OptionType<boolean> = {
  meta: "",
  expected: "true or false",
  isSwitch: true,
  read: (raw) =>
    raw === true || raw === "true" ? true : raw === false || raw === "false" ? false : undefined,
};
/** A whole number within [min, max]. */
export const integer = (min: number, max: number): OptionType<number> => ({
  meta: "N",
  expected: `a whole number from ${min} to ${max}`,
  read: (raw) => {
    const n =
      typeof raw === "number" ? raw : typeof raw === "string" && /^-?\d+$/.test(raw) ? Number(raw) : NaN;
    return Number.isSafeInteger(n) && n >= min && n <= max ? n : undefined;
  },
});
export const oneOf = <const C extends string>(...choices: readonly C[]): OptionType<C> => ({
  meta: choices.filter(Boolean).join("|"),
  expected: `one of ${choices.filter(Boolean).join(", ")}`,
  read: (raw) => choices.find((choice) => choice === raw),
});
/** `250ms`, `10s`, `5m`, `1h`; `0` too. */
export const duration: OptionType<Duration> = {
  meta: "DURATION",
  expected: "a duration as 250ms, 10s, 5m or 1h",
  read: (raw) => {
    const match = typeof raw === "string" ? /^(\d{1,9})(ms|s|m|h)$/.exec(raw) : null;
    const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] as "ms"];
    if (raw === 0 || raw === "0") return Milliseconds(0);
    return match && unit ? Milliseconds(Number(match[1]) * unit) : undefined;
  },
};
/** Values separated by commas, or the flag repeated, or a file's list. */
export const listOf = <T>(item: OptionType<T>): OptionType<readonly T[]> => ({
  meta: `${item.meta},…`,
  expected: `a list: each ${item.expected}`,
  isList: true,
  read: (raw) => {
    const parts: unknown[] = Array.isArray(raw) ? raw : typeof raw === "string" ? raw.split(",") : [raw];
    const items = parts.filter((part) => part !== "").map((part) => item.read(part));
    return items.every((value) => value !== undefined) ? items : undefined;
  },
});

/** `adoptionWindow` → `adoption-window`. */
const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
const envName = (prefix: string, name: string): string =>
  `${prefix}_${kebab(name).replaceAll("-", "_").toUpperCase()}`;

type Given = { readonly name: string; readonly field: string; readonly raw: unknown };

/** Throws one InputError with every fault: codes FLAG_UNKNOWN, FLAG_VALUE_MISSING, OPTION_UNKNOWN, OPTION_VALUE, ARGUMENT. */
export function readOptions<T extends OptionTable>(table: T, sources: OptionSources): OptionValues<T> {
  const faults: Fault[] = [];
  const flags = readFlags(table, sources.argv, faults);
  const env = readEnv(table, sources);
  const path = [...env, ...flags].findLast((given) => given.name === "config")?.raw;
  const file =
    typeof path === "string" && sources.readFile
      ? fileOptions(table, sources.readFile(path), path, faults)
      : [];
  const values: Record<string, unknown> = {};
  for (const [name, { default: fallback }] of Object.entries(table)) values[name] = fallback;
  for (const { name, field, raw } of [...file, ...env, ...flags]) {
    const type = table[name]?.type;
    const value: unknown = type?.read(raw);
    if (value !== undefined) values[name] = value;
    else faults.push({ code: "OPTION_VALUE", field, value: raw, expected: type?.expected ?? "an option" });
  }
  if (faults.length > 0) throw new InputError(faults);
  return Object.freeze(values) as OptionValues<T>;
}

function readFlags(table: OptionTable, argv: readonly string[], faults: Fault[]): Given[] {
  const names = new Map(Object.keys(table).map((name) => [`--${kebab(name)}`, name]));
  const given = new Map<string, Given>();
  for (let i = 0; i < argv.length; i++) {
    const [field = "", inline] = splitOnce(argv[i] ?? "");
    const name = names.get(field);
    const type = name === undefined ? undefined : table[name]?.type;
    if (name === undefined || !type) {
      const isFlag = field.startsWith("-");
      const expected = isFlag ? `one of ${[...names.keys()].join(" ")}` : "no argument here";
      faults.push({ code: isFlag ? "FLAG_UNKNOWN" : "ARGUMENT", field, value: argv[i], expected });
      continue;
    }
    const raw = inline ?? (type.isSwitch ? "true" : argv[++i]);
    if (raw === undefined)
      faults.push({ code: "FLAG_VALUE_MISSING", field, value: undefined, expected: type.expected });
    else {
      const before = type.isList ? given.get(name)?.raw : undefined;
      given.set(name, { name, field, raw: typeof before === "string" ? `${before},${raw}` : raw });
    }
  }
  return [...given.values()];
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.startsWith("--") ? arg.indexOf("=") : -1;
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function readEnv(table: OptionTable, { env, envPrefix }: OptionSources): Given[] {
  return Object.keys(table).flatMap((name) => {
    const field = envName(envPrefix, name);
    const raw = env[field];
    return raw === undefined ? [] : [{ name, field, raw }];
  });
}

function fileOptions(
  table: OptionTable,
  file: Readonly<Record<string, unknown>>,
  path: string,
  faults: Fault[],
): Given[] {
  const names = new Map(Object.keys(table).map((name) => [kebab(name), name]));
  return Object.entries(file).flatMap(([key, raw]) => {
    const name = names.get(key);
    const field = `${path}: ${key}`;
    if (name !== undefined) return [{ name, field, raw }];
    faults.push({
      code: "OPTION_UNKNOWN",
      field,
      value: raw,
      expected: `one of ${[...names.keys()].join(", ")}`,
    });
    return [];
  });
}

/** The options as `--help` prints them, one a line, and how the environment names them. */
export function describeOptions(table: OptionTable, envPrefix: string): string {
  const rows = Object.entries(table).map(([name, { type, help, default: fallback }]) => {
    const shown = Array.isArray(fallback) ? fallback.join(",") : String(fallback);
    const usual = shown === "" || type.isSwitch ? "" : ` (default ${shown})`;
    return [`--${kebab(name)} ${type.meta}`.trimEnd(), `${help}${usual}`] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length));
  const lines = rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`);
  const [example = ""] = Object.keys(table);
  const inEnv = `Also from the environment: --${kebab(example)} is ${envName(envPrefix, example)}.`;
  return [...lines, "", inEnv].join("\n");
}
