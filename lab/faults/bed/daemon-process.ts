// A daemon in a place of its own, with a wall clock that can be set.
import { type ChildProcess, execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Bed, PROGRAM, stop } from "../../../test/support/bed.ts";
import { eventually } from "../../../test/support/eventually.ts";
import type { Place } from "./place.ts";

export interface DaemonProcess {
  readonly place: Place;
  readonly url: string;
  /** Resolves when it serves. */
  start(): Promise<void>;
  ready(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Its last words whenever it ended by itself; it was started again, as a supervisor would. */
  readonly ends: readonly string[];
  /** Its wall clock is so many milliseconds ahead of the machine's, from now on and after a restart. */
  setClock(ahead: number): void;
  /** Asked from its own place. Throws for any status but 200. */
  get<Reply>(path: string): Promise<Reply>;
  post<Reply>(path: string, body: unknown): Promise<Reply>;
}

const execute = promisify(execFile);
const PORT = 9600;
/** Milliseconds. */
const RESTART_AFTER = 300;
/** A machine that has other work makes everything slow. */
const READY_WITHIN = 300_000;
const SHIFTED_CLOCK = join(import.meta.dirname, "shifted-clock.ts");

export type DaemonSetup = {
  readonly store: string;
  readonly topologyFile: string;
  /** More of them. */
  readonly flags?: readonly string[];
};

// long: the object that is the daemon
export function createDaemonProcess(
  bed: Bed,
  place: Place,
  { store, topologyFile, flags: own = [] }: DaemonSetup,
): DaemonProcess {
  const url = `http://${place.address}:${PORT}`;
  const clockFile = join(bed.dir, `${place.name}.clock`);
  writeFileSync(clockFile, "0");
  const flags = ["--listen", `${place.address}:${PORT}`, "--insecure", "--store", store, "--new-cluster"];
  const more = ["--initial-topology", topologyFile, "--adoption-window", "200ms", "--client-rate", "0"];
  const argv = [
    process.execPath,
    "--import",
    SHIFTED_CLOCK,
    PROGRAM.built,
    "daemon",
    ...flags,
    ...more,
    ...own,
    "--log-level",
    "warn",
  ];
  let child: ChildProcess | undefined;
  let isWanted = false;
  const ends: string[] = [];
  const spawn = (): void => {
    if (!isWanted) return;
    const started = bed.start(place.name, ["env", `ROMANA_LAB_CLOCK=${clockFile}`, ...argv], place.netns);
    child = started;
    started.once("exit", () => {
      if (!isWanted || child !== started) return;
      ends.push(bed.log(place.name).trim().split("\n").at(-1) ?? "");
      setTimeout(spawn, RESTART_AFTER);
    });
  };
  const curl = async <Reply>(path: string, ...options: string[]): Promise<Reply> => {
    const call = ["curl", "-sS", "--fail-with-body", "--max-time", "20", ...options, `${url}${path}`];
    const { stdout } = await execute("nsenter", [`--net=${place.netns}`, "--", ...call], {
      maxBuffer: 2 ** 30,
    });
    return JSON.parse(stdout) as Reply;
  };
  bed.onDispose(() => void (isWanted = false));
  const daemon: DaemonProcess = {
    ...{ place, url, ends },
    async start() {
      isWanted = true;
      spawn();
      await daemon.ready();
    },
    ready: () =>
      eventually(() => curl("/readyz"), { within: READY_WITHIN, every: 100 })
        .then(() => undefined)
        .catch((error: unknown) => {
          throw new Error(`${place.name} is not ready\n${bed.log(place.name)}`, { cause: error });
        }),
    async kill(signal = "SIGKILL") {
      isWanted = false;
      if (child) await stop(child, signal);
    },
    signal: (signal) => void child?.kill(signal),
    setClock(ahead) {
      writeFileSync(clockFile, String(ahead));
      child?.kill("SIGUSR2");
    },
    get: (path) => curl(path),
    post: (path, body) =>
      curl(path, "-H", "content-type: application/json", "--data-binary", JSON.stringify(body)),
  };
  return daemon;
}
