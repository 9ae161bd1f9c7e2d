// `lab exec`, `lab status`, `lab down`: what can be done to labs that other programs made. Looks at the machine, not at memory.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Clock } from "../../base/clock.ts";
import { InputError } from "../../base/errors.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import { netnsPath, type Run, runOf } from "./fabric.ts";
import { findNamespaces, namespaceOf, processesIn } from "./namespaces.ts";
import { type LabDeps, removeLab } from "./start-lab.ts";
import { chooseLab, isOwned, labDirectory, labIds, type LabState, loadState } from "./state.ts";

/** All labs of which anything is left: a directory or a namespace. */
async function knownLabs(): Promise<string[]> {
  const ids = [...(await labIds()), ...(await findNamespaces()).map(({ id }) => id)];
  return [...new Set(ids)].sort();
}

/** Runs a command inside a node with this terminal; its exit code, 128 and the signal's number where one ended it. InputError `LAB_NODE`. */
export async function labExec(wanted: string, node: string, argv: readonly string[]): Promise<number> {
  const id = chooseLab(await knownLabs(), wanted);
  const nodes = (await findNamespaces(id)).map((found) => found.node);
  if (!nodes.includes(node))
    throw new InputError({
      code: "LAB_NODE",
      field: "NODE",
      value: node,
      expected: `one of ${nodes.join(", ")}`,
    });
  const child = spawn("nsenter", [`--net=${netnsPath(namespaceOf(id, node))}`, ...argv], {
    stdio: "inherit",
  });
  // Ctrl-C is the command's to answer; the terminal sends it to both.
  process.on("SIGINT", () => undefined);
  for (const word of ["SIGTERM", "SIGHUP"] as const) process.on(word, () => child.kill(word));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** `word`: how the user calls the lab. */
export async function labStatus(wanted: string, word: string): Promise<string> {
  const ids = await knownLabs();
  const chosen = wanted === "" ? ids : [chooseLab(ids, wanted)];
  if (chosen.length === 0) return `no lab runs; start one with ${word} --keep\n`;
  return (await Promise.all(chosen.map((id) => describeLab(id, word)))).join("\n");
}

async function describeLab(id: string, word: string): Promise<string> {
  const namespaces = await findNamespaces(id);
  const processes = await processesIn(namespaces.map(({ namespace }) => namespace));
  const state = await readState(id);
  const head = `lab ${id}: ${await situation(state, word)}, ${namespaces.length} namespaces, ${processes.length} processes, ${labDirectory(id)}\n`;
  return head + (state ? stateLines(state) : "");
}

/** `undefined`: it has none, or half of one. */
const readState = (id: string): Promise<LabState | undefined> =>
  loadState(labDirectory(id)).catch(() => undefined);

async function situation(state: LabState | undefined, word: string): Promise<string> {
  if (state && (await isOwned(state))) return `at work (process ${state.owner?.pid})`;
  if (state && !state.owner) return "kept";
  return `leftover of a program that died (${word} down removes it)`;
}

function stateLines({ topologyFile, createdAt, routers, hosts, pods }: LabState): string {
  const hostLines = hosts.flatMap((host) => [
    `  host    ${host.name.padEnd(24)} ${host.ips.join(" ")}  in ${host.group}`,
    ...pods
      .filter((pod) => pod.host === host.name)
      .map((pod) => `    pod   ${pod.name.padEnd(24)} ${pod.ips.join(" ")}`),
  ]);
  const routerLines = routers.map((router) => `  router  ${router.name.padEnd(24)} ${router.owns.join(" ")}`);
  const from = `  from ${topologyFile}, ${new Date(createdAt).toISOString()}`;
  return `${[from, ...routerLines, ...hostLines].join("\n")}\n`;
}

/** Removes the lab that is meant, or all that no living program is at work on. */
export async function labDown(wanted: string, deps: Pick<LabDeps, "clock" | "log">): Promise<string> {
  const ids = await knownLabs();
  const chosen = wanted === "" ? ids : [chooseLab(ids, wanted)];
  const helper = await startNativeHelper({ log: deps.log });
  try {
    const lines: string[] = [];
    for (const id of chosen)
      lines.push(await takeDown(id, wanted !== "", { run: runOf(helper), clock: deps.clock }));
    return lines.length === 0 ? "no lab to remove\n" : lines.join("");
  } finally {
    await helper.close();
  }
}

async function takeDown(id: string, isMeant: boolean, deps: { run: Run; clock: Clock }): Promise<string> {
  const state = await readState(id);
  if (!isMeant && state && (await isOwned(state)))
    return `lab ${id} is being worked on by process ${state.owner?.pid}: left alone; with --id ${id} it is removed all the same\n`;
  await removeLab(id, deps);
  return `removed lab ${id}\n`;
}
