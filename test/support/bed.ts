// What a test or bench makes on the machine: a directory, network namespaces, processes of the program. All gone after `dispose`.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
/** The program: as it is shipped (`npm run build`), and as source. */
export const PROGRAM = { built: join(root, "dist/main.js"), source: join(root, "src/main.ts") } as const;
export const nativePath = join(root, "build/native/romana-native");

let beds = 0;

export class Bed {
  readonly dir = mkdtempSync(join(tmpdir(), "romana-bed-"));
  readonly #id = `rom-bed-${process.pid}-${++beds}`;
  readonly #program: string;
  readonly #undo: (() => void | Promise<void>)[] = [];

  constructor(program: keyof typeof PROGRAM) {
    this.#program = PROGRAM[program];
  }

  /** Something else that is to be undone. */
  onDispose(undo: () => void | Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Makes a namespace with loopback up; its path. */
  netns(name: string): string {
    const full = `${this.#id}-${name}`;
    execFileSync("ip", ["netns", "add", full]);
    this.#undo.push(() => void execFileSync("ip", ["netns", "del", full]));
    execFileSync("ip", ["-n", full, "link", "set", "lo", "up"]);
    return `/run/netns/${full}`;
  }

  /** Starts `romana …`, in a namespace where one is named; its output goes to `<dir>/<name>.log`. */
  romana(name: string, args: readonly string[], netns?: string): ChildProcess {
    return this.start(name, [process.execPath, this.#program, ...args], netns);
  }

  /** As `romana`, any program. */
  start(name: string, argv: readonly string[], netns?: string): ChildProcess {
    const log = openSync(join(this.dir, `${name}.log`), "a");
    const inside = netns === undefined ? [] : ["nsenter", `--net=${netns}`, "--"];
    const [command = "", ...args] = [...inside, ...argv];
    const child = spawn(command, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#undo.push(() => stop(child));
    return child;
  }

  /** The last lines that a process wrote. */
  log(name: string): string {
    return readFileSync(join(this.dir, `${name}.log`), "utf8")
      .split("\n")
      .slice(-20)
      .join("\n");
  }

  /** In reverse order of making. What cannot be undone does not keep the rest. */
  async dispose(): Promise<void> {
    const failures: unknown[] = [];
    for (const undo of this.#undo.reverse())
      await Promise.resolve()
        .then(undo)
        .catch((error: unknown) => failures.push(error));
    rmSync(this.dir, { recursive: true, force: true });
    if (failures.length > 0) throw new AggregateError(failures, "the bed is not as clean as it was");
  }
}

const KILL_AFTER_MS = 5000;

/** Signals, and SIGKILL after 5 s; resolves when the process is gone. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  const late = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  await gone;
  clearTimeout(late);
}

/** iproute2's stdout. */
export const ip = (...words: string[]): string => execFileSync("ip", words, { encoding: "utf8" });
