// `romana lab`: the words of the lab, its signals and exit codes. Never leaves anything behind but with --keep.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, systemRng } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { Topology } from "../../core/model/topology.ts";
import { parseTopology } from "../../core/topology/parse-topology.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import { HELP, type LabConfig, parseLabCommand } from "./config.ts";
import { runController } from "./controller.ts";
import { dumpLab } from "./dump.ts";
import { labDown, labExec, labStatus } from "./commands.ts";
import { holds, renderReport } from "./report/render.ts";
import { runOf } from "./fabric.ts";
import { makeReport } from "./report/report.ts";
import { type LabDeps, type LabOptions, removeLab, startLab } from "./start-lab.ts";

type Env = Readonly<Record<string, string | undefined>>;

const defaultTopology = join(import.meta.dirname, "../../../lab/topologies/default.yaml");
const say = (text: string): void => void process.stdout.write(text);

/** Exit code: 0 all holds, 1 something does not, 130 interrupted; `exec` gives the command's own. */
export async function run(argv: readonly string[], env: Env): Promise<number> {
  const command = parseLabCommand(argv, env);
  if (command.kind !== "help" && process.getuid?.() !== 0)
    throw new UnavailableError({
      code: "LAB_NEEDS_ROOT",
      message: "the lab makes network namespaces, which needs root (romana topology plan FILE needs nothing)",
    });
  const log = createPinoLog("lab", command.kind === "controller" ? "info" : "warn");
  const deps = { clock: systemClock, rng: systemRng, log };
  switch (command.kind) {
    case "help":
      say(HELP);
      return 0;
    case "run":
      return runLab(command.topology ?? defaultTopology, command.config, { ...deps, ...stopSignal() });
    case "controller":
      await runController(command.directory, { ...deps, ...stopSignal() });
      return 0;
    case "exec":
      return labExec(command.config.id, command.node, command.argv);
    case "status":
      say(await labStatus(command.config.id));
      return 0;
    case "down":
      say(await labDown(command.config.id, deps));
      return 0;
  }
}

function stopSignal(): { signal: AbortSignal } {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop.abort(name));
  return { signal: stop.signal };
}

async function runLab(file: string, config: LabConfig, deps: Omit<LabDeps, "progress">): Promise<number> {
  const startedAt = deps.clock.monotonic();
  const progress = (text: string): void =>
    say(`${((deps.clock.monotonic() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${text}\n`);
  const options = { topology: readTopology(file), topologyFile: file, ...config };
  let id = "";
  const claimed = (own: string): void => void (id = own);
  try {
    return (await buildAndReport({ options, config, startedAt, claimed }, { ...deps, progress })) ? 0 : 1;
  } catch (error) {
    if (deps.signal.aborted) return 130; // whatever failed, failed because everything was being stopped
    if (id !== "") await tellFailure(id, deps);
    throw error;
  } finally {
    if (id !== "") await finish(id, config.keep && !deps.signal.aborted, deps);
  }
}

type Work = {
  readonly options: LabOptions;
  readonly config: LabConfig;
  readonly startedAt: number;
  readonly claimed: (id: string) => void;
};

/** Whether all holds. */
async function buildAndReport(
  { options, config, startedAt, claimed }: Work,
  deps: LabDeps,
): Promise<boolean> {
  const lab = await startLab(options, deps, claimed);
  try {
    const report = await makeReport(lab, { throughput: config.throughput === "on", startedAt, ...deps });
    say(renderReport(report));
    if (!holds(report)) await tellFailure(lab.state.id, deps);
    return holds(report);
  } finally {
    await lab.leave();
  }
}

async function finish(id: string, keep: boolean, deps: Omit<LabDeps, "progress">): Promise<void> {
  if (keep)
    say(
      `lab ${id} runs on: romana lab status | romana lab exec NODE -- COMMAND | romana lab down --id ${id}\n`,
    );
  else await removeLab(id, deps);
}

/** Routes, rules, snapshot and logs on stderr, while they are still there. */
async function tellFailure(id: string, { log }: Pick<LabDeps, "log">): Promise<void> {
  const helper = await startNativeHelper({ log });
  try {
    process.stderr.write(await dumpLab(id, runOf(helper)));
  } finally {
    await helper.close();
  }
}

/** InputError with all faults of the file. */
function readTopology(file: string): Topology {
  const result = parseTopology(parseDocument(readBytes(file), file));
  if (result.kind === "invalid") throw new InputError(result.faults);
  return result.topology;
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const expected = `a readable file (${(cause as NodeJS.ErrnoException).code ?? "error"})`;
    throw new InputError({ code: "FILE", field: "topology-file", value: file, expected });
  }
}
