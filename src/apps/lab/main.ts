// `romana lab`: the words of the lab, its signals and exit codes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { systemClock, systemRng } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import type { Topology } from "../../core/model/topology.ts";
import { builtInTopology } from "../../core/topology/built-in.ts";
import { parseTopology } from "../../core/topology/parse-topology.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import { createPinoLog } from "../../io/log/pino-log.ts";
import { labDown, labExec, labStatus } from "./commands.ts";
import { HELP, parseLabCommand } from "./config.ts";
import { runController } from "./controller.ts";
import { requireMachine, requireRoot } from "./preflight.ts";
import type { Screen } from "./report/layout.ts";
import { runLab } from "./run-lab.ts";

type Env = Readonly<Record<string, string | undefined>>;

const defaultTopology = join(import.meta.dirname, "../../../lab/topologies/default.yaml");
const say = (text: string): void => void process.stdout.write(text);
const complain = (text: string): void => void process.stderr.write(text);

/** Exit code: 0 all holds, 1 something does not, 130 interrupted; `exec` gives the command's own. */
export async function run(argv: readonly string[], env: Env): Promise<number> {
  const command = parseLabCommand(argv, env);
  const machine = { uid: process.getuid?.() ?? -1, path: env["PATH"] ?? "" };
  const log = createPinoLog("lab", command.kind === "controller" ? "info" : "warn");
  const deps = { clock: systemClock, rng: systemRng, log };
  const word = env["npm_lifecycle_event"] === "lab" ? "npm run lab --" : "romana lab";
  if (command.kind === "help") {
    say(HELP);
    return 0;
  }
  if (command.kind === "run") {
    const { config, topology: file = defaultTopology } = command;
    const options = { topology: readTopology(file), topologyFile: file, ...config };
    await requireMachine(machine, config.tls);
    return runLab(options, config, { ...deps, ...stopSignal(), screen: screen(), say, complain, word });
  }
  requireRoot(machine);
  switch (command.kind) {
    case "controller":
      await runController(command.directory, { ...deps, ...stopSignal() });
      return 0;
    case "exec":
      return labExec(command.config.id, command.node, command.argv);
    case "status":
      say(await labStatus(command.config.id, word));
      return 0;
    case "down":
      say(await labDown(command.config.id, deps));
      return 0;
  }
}

/** Aborts when the user has had enough: Ctrl-C, a closed terminal, a reader of the output that is gone (`romana lab | head`). */
function stopSignal(): { signal: AbortSignal } {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort(name));
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => stop.abort("EPIPE"));
  return { signal: stop.signal };
}

const styles = { title: "bold", good: "green", bad: "red" } as const;

/** What is piped somewhere is as wide as a terminal and plain. `NO_COLOR` is heard (styleText looks at the stream). */
function screen(): Screen {
  const { columns } = process.stdout;
  return {
    width: Math.max(60, columns || 80),
    paint: (style, text) => styleText(styles[style], text, { stream: process.stdout }),
  };
}

/** A file, or a built-in topology by name. InputError with all faults. */
function readTopology(file: string): Topology {
  const result = parseTopology(builtInTopology(file) ?? parseDocument(readBytes(file), file));
  if (result.kind === "invalid") throw new InputError(result.faults);
  return result.topology;
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "error";
    const expected = `a readable file (${reason}), or a built-in topology as kubeadm`;
    throw new InputError({ code: "FILE", field: "topology", value: file, expected });
  }
}
