// `romana <noun> <verb>`: words to commands, errors to one line and an exit code. 0 done, 1 failed, 2 wrong input, 3 found.
import { Command, CommanderError, Option } from "commander";
import { errorLines, InputError, UnavailableError } from "../../base/errors.ts";
import { RefusedError } from "../../io/daemon/exchange.ts";
import type { Action } from "./commands/action.ts";
import { addressCommands } from "./commands/address.ts";
import { backupCommand } from "./commands/backup.ts";
import { explainCommand } from "./commands/explain.ts";
import { hostCommands } from "./commands/host.ts";
import { ipamCommands } from "./commands/ipam.ts";
import { limitCommands } from "./commands/limit.ts";
import { blockCommands, networkCommands } from "./commands/network.ts";
import { policyCommands } from "./commands/policy.ts";
import { reservationCommands } from "./commands/reservation.ts";
import { tenantCommands } from "./commands/tenant.ts";
import { topologyCommands } from "./commands/topology.ts";
import { completionCommand } from "./completion.ts";
import { ACCESS_SETTINGS } from "./config.ts";
import { type Context, contextOf, type Streams } from "./context.ts";
import { FORMATS } from "./output.ts";

export async function run(
  argv: readonly string[],
  env: Streams["env"],
  streams: Omit<Streams, "env" | "ended"> = standardStreams,
): Promise<number> {
  try {
    let code = 0;
    const ended = (outcome: number): void => void (code = outcome);
    await cliProgram({ ...streams, env, ended }).parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    return tellError(error, streams);
  }
}

const standardStreams: Omit<Streams, "env"> = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

export function cliProgram(streams: Streams): Command {
  const program = programWithOptions(streams);
  // Commander passes (words…, options, command): the words of the action take the options where they want them.
  const action: Action =
    <Args extends unknown[]>(body: (context: Context, ...args: Args) => Promise<void | number>) =>
    async (...args: unknown[]) => {
      const code = await body(contextOf(args.at(-1) as Command, streams), ...(args.slice(0, -1) as Args));
      if (code !== undefined) streams.ended?.(code);
    };
  for (const add of NOUNS) add(program, action);
  for (const [app, what] of Object.entries(APPS))
    program.command(app).description(`${what}: romana ${app} --help`).allowUnknownOption();
  completionCommand(program);
  for (const command of everyCommand(program))
    command.exitOverride().configureOutput({ writeOut: streams.out, writeErr: () => undefined });
  return program;
}

function programWithOptions({ out }: Streams): Command {
  const program = new Command("romana")
    .description("Romana: networks, hosts, blocks and addresses of a cluster")
    .addOption(
      new Option("-c, --config <file>", "settings (default ~/.romana.yaml, then /etc/romana/cli.yaml)"),
    )
    .addOption(
      new Option(
        "-r, --rootURL <url>",
        "the daemon's address (ROMANA_ROOT_URL; default http://127.0.0.1:9600)",
      ),
    )
    .addOption(new Option("-f, --format <format>", "output").choices([...FORMATS]))
    .addOption(new Option("-v, --verbose", "print every request on stderr"))
    .configureOutput({ writeOut: out, writeErr: () => undefined })
    .showSuggestionAfterError(true)
    .exitOverride();
  for (const { flag, variable, help } of ACCESS_SETTINGS)
    program.addOption(new Option(`${flag} <file>`, `${help} (${variable})`));
  return program;
}
/** In the order of the help. */
const NOUNS = [
  hostCommands,
  networkCommands,
  blockCommands,
  addressCommands,
  ipamCommands,
  tenantCommands,
  reservationCommands,
  limitCommands,
  policyCommands,
  explainCommand,
  topologyCommands,
  backupCommand,
];

/** The other words of `romana`, which src/main.ts takes before they come here. */
const APPS = {
  daemon: "run the daemon",
  agent: "run the agent",
  lab: "run the lab",
  store: "export, import, copy or verify a store that no daemon has open",
} as const;

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}

function tellError(error: unknown, { err }: Omit<Streams, "env">): number {
  if (error instanceof CommanderError) return tellUsage(error, err);
  if (error instanceof RefusedError) return say(err, [error.details], 2);
  if (error instanceof InputError) return say(err, errorLines(error), 2);
  if (error instanceof UnavailableError) return say(err, errorLines(error), 1);
  throw error;
}

function tellUsage(error: CommanderError, err: Streams["err"]): number {
  if (error.exitCode === 0) return 0;
  const text =
    error.message === "(outputHelp)"
      ? "which command? See romana --help"
      : error.message.replace(/^error: /, "");
  return say(err, [text.replaceAll("\n", " ")], 2);
}

function say(err: Streams["err"], lines: readonly string[], code: number): number {
  for (const line of lines) err(`romana: ${line}\n`);
  return code;
}
