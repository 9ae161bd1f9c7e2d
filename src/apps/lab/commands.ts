// `lab exec`, `lab status`, `lab down`: what can be done to labs that other programs made. Looks at the machine, not at memory.
import { spawn } from "node:child_process";
import { InputError } from "../../base/errors.ts";
import { netnsPath } from "./fabric.ts";
import { findNamespaces, namespaceOf, processesIn } from "./namespaces.ts";
import { type LabDeps, removeLab } from "./start-lab.ts";
import { chooseLab, labDirectory, labIds, type LabState, loadState } from "./state.ts";

/** All labs of which anything is left: a directory or a namespace. */
async function knownLabs(): Promise<string[]> {
  const ids = [...(await labIds()), ...(await findNamespaces()).map(({ id }) => id)];
  return [...new Set(ids)].sort();
}

/** Runs a command inside a node with this terminal; its exit code. InputError `LAB_NODE`. */
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
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

export async function labStatus(wanted: string): Promise<string> {
  const ids = await knownLabs();
  const chosen = wanted === "" ? ids : [chooseLab(ids, wanted)];
  if (chosen.length === 0) return "no lab runs; start one with romana lab --keep\n";
  return (await Promise.all(chosen.map(describeLab))).join("\n");
}

async function describeLab(id: string): Promise<string> {
  const namespaces = await findNamespaces(id);
  const processes = await processesIn(namespaces.map(({ namespace }) => namespace));
  const head = `lab ${id}: ${namespaces.length} namespaces, ${processes.length} processes, ${labDirectory(id)}\n`;
  const state = await loadState(labDirectory(id)).catch(() => undefined);
  return head + (state ? stateLines(state) : "  no state: leftovers; romana lab down removes them\n");
}

function stateLines({ topologyFile, routers, hosts, pods }: LabState): string {
  const hostLines = hosts.flatMap((host) => [
    `  host    ${host.name.padEnd(24)} ${host.ips.join(" ")}  in ${host.group}`,
    ...pods
      .filter((pod) => pod.host === host.name)
      .map((pod) => `    pod   ${pod.name.padEnd(24)} ${pod.ips.join(" ")}`),
  ]);
  const routerLines = routers.map((router) => `  router  ${router.name.padEnd(24)} ${router.owns.join(" ")}`);
  return `${[`  from ${topologyFile}`, ...routerLines, ...hostLines].join("\n")}\n`;
}

/** Removes the lab that is meant, or all. */
export async function labDown(wanted: string, deps: Pick<LabDeps, "clock" | "log">): Promise<string> {
  const ids = await knownLabs();
  const chosen = wanted === "" ? ids : [chooseLab(ids, wanted)];
  for (const id of chosen) await removeLab(id, deps);
  return chosen.length === 0
    ? "no lab to remove\n"
    : `removed ${chosen.map((id) => `lab ${id}`).join(", ")}\n`;
}
