// `romana lab` as a user starts it: a program of its own process group with its output in a pipe, and what it leaves on the machine.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const main = join(import.meta.dirname, "../../src/main.ts");
export const directoryOf = (id: string): string => `/run/romana-lab/${id}`;

export type LabProgram = {
  readonly child: ChildProcess;
  /** stdout and stderr so far. */
  out(): string;
  err(): string;
  /** Four hexadecimal digits, once the first line is out. */
  id(): string;
  /** Resolves when stdout has the text; rejects when the program ends before. */
  says(text: string): Promise<void>;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** A terminal's Ctrl-C: the whole group. */
  signal(word: NodeJS.Signals): void;
};

export function startLabProgram(...argv: string[]): LabProgram {
  const child = spawn(process.execPath, [main, "lab", ...argv], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return {
    child,
    out: () => out,
    err: () => err,
    id: () => /lab ([0-9a-f]{4}) \(/.exec(out)?.[1] ?? "",
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (out.includes(text)) resolve();
        };
        child.stdout.on("data", look);
        child.once("close", () => reject(new Error(`ended without saying "${text}":\n${out}${err}`)));
        look();
      }),
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal))),
    signal: (word) => void process.kill(-(child.pid ?? NaN), word),
  };
}

/** Runs it to its end. */
export async function runLabProgram(
  ...argv: string[]
): Promise<{ code: number | NodeJS.Signals | null; out: string; err: string }> {
  const program = startLabProgram(...argv);
  const code = await program.ended;
  return { code, out: program.out(), err: program.err() };
}

/** What is left of a lab: namespaces, their mounts, its directory, processes that name it. */
export function leftovers(id: string): string[] {
  const name = `romana-lab-${id}`;
  const namespaces = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  return [
    ...namespaces.filter((namespace) => namespace.startsWith(name)),
    ...mounts.filter((mount) => mount.includes(name)),
    ...(existsSync(directoryOf(id)) ? [directoryOf(id)] : []),
    ...processesNaming(directoryOf(id)).map(({ pid, words }) => `process ${pid}: ${words}`),
  ];
}

/** Processes with the text in their command line. */
export function processesNaming(text: string): { pid: number; words: string }[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids
    .map((pid) => ({ pid: Number(pid), words: commandOf(pid) }))
    .filter(({ words }) => words.includes(text));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // it ended meanwhile
  }
}

/** Whether a process group has members. */
export function groupLives(pid: number | undefined): boolean {
  try {
    return process.kill(-(pid ?? NaN), 0);
  } catch {
    return false; // ESRCH: nobody
  }
}
