// The CLI's settings: flag over environment over file over default (R7).
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { InputError } from "../../base/errors.ts";
import { accessOptions, type DaemonAccess } from "../../io/daemon/access.ts";
import { type Format, FORMATS } from "./output.ts";

export type CliConfig = {
  readonly rootUrl: string;
  readonly access: DaemonAccess;
  readonly format: Format;
  readonly verbose: boolean;
};

/** What flags may give; absent where the flag was not used. */
export type CliFlags = {
  readonly config?: string;
  readonly rootURL?: string;
  readonly format?: string;
  readonly verbose?: boolean;
} & Partial<DaemonAccess>;

/** The options of `accessOptions` as flag, variable of the environment, and key of the file. */
export const ACCESS_SETTINGS = (
  [
    ["daemonCa", "DaemonCA"],
    ["daemonCert", "DaemonCert"],
    ["daemonKey", "DaemonKey"],
    ["daemonCrl", "DaemonCRL"],
    ["daemonTokenFile", "DaemonTokenFile"],
  ] as const
).map(([name, key]) => {
  const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const variable = `ROMANA_${words.toUpperCase().replaceAll("-", "_")}`;
  return { name, key, flag: `--${words}`, variable, help: accessOptions[name].help };
});

type Environment = Readonly<Record<string, string | undefined>>;
const defaults = { rootUrl: "http://127.0.0.1:9600", format: "table", verbose: false } as const;

/** Reads `-c FILE`, else `~/.romana.yaml`, else `/etc/romana/cli.yaml`, else nothing; keys `RootURL`, `Format`, `Verbose`, those of ACCESS_SETTINGS. */
export function cliConfig(flags: CliFlags, env: Environment): CliConfig {
  const file = configFile(flags.config ?? env["ROMANA_CONFIG"]);
  const url = flags.rootURL ?? env["ROMANA_ROOT_URL"] ?? file["RootURL"] ?? defaults.rootUrl;
  const format = flags.format ?? env["ROMANA_FORMAT"] ?? file["Format"] ?? defaults.format;
  const verbose = flags.verbose ?? env["ROMANA_VERBOSE"] ?? file["Verbose"] ?? defaults.verbose;
  return {
    rootUrl: checkedUrl(url),
    access: accessOf(flags, env, file),
    format: checkedFormat(format),
    verbose: verbose === true || verbose === "true" || verbose === "1",
  };
}

function accessOf(flags: CliFlags, env: Environment, file: Readonly<Record<string, unknown>>): DaemonAccess {
  const paths = ACCESS_SETTINGS.map(({ name, key, variable }) => {
    const path = flags[name] ?? env[variable] ?? file[key] ?? "";
    if (typeof path === "string") return [name, path];
    throw new InputError({ code: "CONFIG", field: key, value: path, expected: "the path of a file" });
  });
  return Object.fromEntries(paths) as DaemonAccess;
}

function configFile(given: string | undefined): Readonly<Record<string, unknown>> {
  const path =
    given ??
    [join(homedir(), ".romana.yaml"), "/etc/romana/cli.yaml"].find((candidate) => existsSync(candidate));
  if (path === undefined) return {};
  const content = readYaml(path);
  if (content === null) return {};
  if (typeof content !== "object" || Array.isArray(content))
    throw new InputError({
      code: "CONFIG",
      field: path,
      value: content,
      expected: "YAML keys RootURL, Format, Verbose",
    });
  return content as Record<string, unknown>;
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"), { maxAliasCount: 0 }) as unknown;
  } catch (cause) {
    const found = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new InputError({
      code: "CONFIG",
      field: "--config",
      value: path,
      expected: `a readable YAML file (${found})`,
    });
  }
}

function checkedUrl(value: unknown): string {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new InputError({
      code: "ROOT_URL",
      field: "RootURL",
      value,
      expected: "an address as http://127.0.0.1:9600",
    });
  return url.href;
}

function checkedFormat(value: unknown): Format {
  const format = FORMATS.find((candidate) => candidate === value);
  if (!format)
    throw new InputError({
      code: "FORMAT",
      field: "Format",
      value,
      expected: `one of ${FORMATS.join(", ")}`,
    });
  return format;
}
