// Programs: those that run to their end, and those that stay, each in the network namespace that it is told.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import type { Run } from "../../src/apps/lab/fabric.ts";
import { checked } from "../../src/apps/lab/fabric.ts";

type Where = Parameters<Run>[1];
const MOST_OUTPUT = 64 << 20;

const argvIn = (netns: string | undefined, argv: readonly string[]): string[] =>
  netns === undefined ? [...argv] : ["nsenter", `--net=${netns}`, "--", ...argv];

/** `timeout` in milliseconds: a minute unless told. */
export const run: Run = (argv, { netns, stdin = "", timeout = 60_000 } = {}) =>
  new Promise((resolve) => {
    const [command = "", ...args] = argvIn(netns, argv);
    const options = { timeout, maxBuffer: MOST_OUTPUT, killSignal: "SIGKILL" } as const;
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 128) : 0;
      resolve({ code, stdout, stderr: error && stderr === "" ? error.message : stderr });
    });
    child.stdin?.on("error", () => undefined); // ended without reading it all
    child.stdin?.end(stdin);
  });

/** What it printed. UnavailableError with what it said unless its exit code is 0. */
export const must = async (argv: readonly string[], where: Where = {}): Promise<string> =>
  (await checked(run, argv, where)).stdout;

/** Starts a program whose output goes to the end of `log`. Lives until it is killed, or its namespace is removed. */
export function launch(argv: readonly string[], log: string, netns?: string): ChildProcess {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, "a");
  const [command = "", ...args] = argvIn(netns, argv);
  const child = spawn(command, args, { detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  child.unref();
  return child;
}

/** Resolves when it is gone. */
export async function killAndWait(pid: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  process.kill(pid, signal);
  await eventually(
    () => {
      if (existsSync(`/proc/${pid}`)) throw new Error(`process ${pid} does not end`);
    },
    { within: 30_000 },
  );
}
