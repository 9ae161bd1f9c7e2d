// `romana store`: offline work on a store; words in, exit code out.
import { systemClock, systemRng } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { parseStoreCommand, HELP } from "./config.ts";
import { copyStore, exportStore, importBackup, type StoreDeps, verify } from "./commands.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Exit code: 0 done, 1 a record cannot be read. Throws InputError, UnavailableError. */
export async function run(argv: readonly string[], env: Env, say = standardOutput): Promise<number> {
  const command = parseStoreCommand(argv, env);
  if (command.kind === "help") {
    say(HELP.trimEnd());
    return 0;
  }
  const { config } = command;
  const deps: StoreDeps = { clock: systemClock, rng: systemRng, log: silentLog, config, say };
  switch (command.kind) {
    case "export":
      await exportStore(command.from, command.to, deps);
      return 0;
    case "import":
      await importBackup(command.from, command.to, deps);
      return 0;
    case "copy":
      await copyStore(command.from, command.to, deps);
      return 0;
    case "verify":
      return (await verify(command.what, deps)) ? 0 : 1;
  }
}

const standardOutput = (line: string): void => void process.stdout.write(`${line}\n`);
