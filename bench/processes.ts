// Starting the built program for a bench, and throw-away network namespaces.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const romanaMain = join(import.meta.dirname, "../dist/main.js");
export const nativePath = join(import.meta.dirname, "../build/native/romana-native");

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A directory, namespaces and processes that are all gone after `dispose`, in reverse order. */
export class Bed {
  readonly dir = mkdtempSync(join(tmpdir(), "romana-bench-"));
  readonly #undo: (() => void | Promise<void>)[] = [];

  /** Makes a namespace with loopback up; resolves with its path. */
  netns(name: string): string {
    const full = `rom-bench-${process.pid}-${name}`;
    execFileSync("ip", ["netns", "add", full]);
    this.#undo.push(() => void execFileSync("ip", ["netns", "del", full]));
    execFileSync("ip", ["-n", full, "link", "set", "lo", "up"]);
    return `/run/netns/${full}`;
  }

  /** Starts `romana …`, in a namespace where one is named; its output goes to `<dir>/<name>.log`. */
  romana(name: string, args: readonly string[], netns?: string): ChildProcess {
    const log = openSync(join(this.dir, `${name}.log`), "a");
    const command = [
      ...(netns === undefined ? [] : ["nsenter", `--net=${netns}`, "--"]),
      process.execPath,
      romanaMain,
      ...args,
    ];
    const child = spawn(command[0] ?? "", command.slice(1), { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#undo.push(() => stop(child));
    return child;
  }

  log(name: string): string {
    return readFileSync(join(this.dir, `${name}.log`), "utf8")
      .split("\n")
      .slice(-20)
      .join("\n");
  }

  async dispose(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** SIGTERM, and SIGKILL after 5 s. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) =>
    child.once("exit", () => {
      resolve();
    }),
  );
  child.kill("SIGTERM");
  await Promise.race([gone, pause(5000).then(() => child.kill("SIGKILL"))]);
}

/** Runs `body` with a bed and clears it whatever happens. */
export async function withBed<T>(body: (bed: Bed) => Promise<T>): Promise<T> {
  const bed = new Bed();
  try {
    return await body(bed);
  } finally {
    await bed.dispose();
  }
}

/** Polls `probe` every `every` milliseconds until it is true, for 20 s at most. */
export async function until(what: string, probe: () => boolean | Promise<boolean>, every = 2): Promise<void> {
  const end = performance.now() + 20_000;
  while (performance.now() < end) {
    if (await probe()) return;
    await pause(every);
  }
  throw new Error(`bench: ${what} did not happen within 20 s`);
}

/** Whether `url` answers 200, asked from this process's own namespace. */
export const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    (reply) => reply.ok,
    () => false,
  );

export const ip = (...words: string[]): string => execFileSync("ip", words, { encoding: "utf8" });
