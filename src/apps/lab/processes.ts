// Starts and ends the lab's own processes inside their namespaces. They outlive the lab's process, as `--keep` wants; removal finds
// them by their namespace. Never goes through a shell.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { extname, join } from "node:path";
import { type Clock, Milliseconds, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { netnsPath } from "./fabric.ts";

/** This program: the built one when built, the source in development. */
const program = join(import.meta.dirname, `../../main${extname(import.meta.filename)}`);

export type Started = { readonly name: string; readonly pid: number };

export type ProcessSpec = {
  readonly name: string;
  readonly namespace: string;
  /** Words after `romana`. */
  readonly argv: readonly string[];
  /** File that takes stdout and stderr. */
  readonly log: string;
};

/** Enters only the network namespace (not `ip netns exec`, which would hide /sys and mounts), then becomes `romana …`: the pid stays. */
export async function startProcess({ name, namespace, argv, log }: ProcessSpec): Promise<Started> {
  const output = openSync(log, "a");
  try {
    const child = spawn("nsenter", [`--net=${netnsPath(namespace)}`, process.execPath, program, ...argv], {
      detached: true,
      stdio: ["ignore", output, output],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
    return { name, pid: child.pid ?? 0 };
  } catch (cause) {
    throw new UnavailableError({ code: "LAB_PROCESS", name, argv }, { cause });
  } finally {
    closeSync(output);
  }
}

/** Signals the process and waits until it is gone. UnavailableError `LAB_STILL_ALIVE` after 10 s. */
export async function stopProcess(
  { name, pid }: Started,
  signal: "SIGTERM" | "SIGKILL",
  clock: Clock,
): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, signal);
  if (!(await waitUntil(() => Promise.resolve(!isAlive(pid)), clock, 10)))
    throw new UnavailableError({ code: "LAB_STILL_ALIVE", name, pid, signal });
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // ESRCH: gone
  }
}

/** Asks every 20 ms; `false` when `seconds` have passed. */
export async function waitUntil(
  condition: () => Promise<boolean>,
  clock: Clock,
  seconds: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = clock.monotonic() + Seconds(seconds);
  while (clock.monotonic() < end) {
    if (await condition()) return true;
    await clock.sleep(Milliseconds(20), signal);
  }
  return condition();
}
