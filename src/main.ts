#!/usr/bin/env node
// Pure dispatch: the first word chooses an app, which is loaded only then. Never loads anything else.
import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { errorLines, InputError, UnavailableError } from "./base/errors.ts";

type Env = Readonly<Record<string, string | undefined>>;
type App = { run(argv: string[], env: Env): Promise<number> };

const apps: Readonly<Record<string, () => Promise<App>>> = {
  daemon: () => import("./apps/daemon/main.ts"),
  agent: () => import("./apps/agent/main.ts"),
  listener: () => import("./apps/listener/main.ts"),
  publisher: () => import("./apps/publisher/main.ts"),
  lab: () => import("./apps/lab/main.ts"),
  store: () => import("./apps/store/main.ts"),
};
const cli = (): Promise<App> => import("./apps/cli/main.ts");

/** Exit code: 0 done, 1 failed, 2 input. BugErrors and the unexpected end in a stack and a crash. */
async function main(argv: string[], env: Env): Promise<number> {
  const [word = "", ...rest] = argv;
  if (word === "--version" && rest.length === 0) return version();
  const load = Object.hasOwn(apps, word) ? apps[word] : undefined;
  try {
    return load ? await (await load()).run(rest, env) : await (await cli()).run(argv, env);
  } catch (error) {
    if (!(error instanceof InputError || error instanceof UnavailableError)) throw error;
    for (const line of errorLines(error)) process.stderr.write(`romana: ${line}\n`);
    return error instanceof InputError ? 2 : 1;
  }
}

function version(): number {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  process.stdout.write(`romana ${(JSON.parse(file) as { version: string }).version}\n`);
  return 0;
}

// Halves the start of everything that is loaded after this line.
enableCompileCache();
process.exitCode = await main(process.argv.slice(2), process.env);
