// `romana topology …`.
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { InputError } from "../../../base/errors.ts";
import type { TopologyDocument } from "../../../core/api/types.ts";
import type { Topology } from "../../../core/model/topology.ts";
import { builtInTopology } from "../../../core/topology/built-in.ts";
import { parseTopology } from "../../../core/topology/parse-topology.ts";
import { planTopology } from "../../../core/topology/plan.ts";
import { renderPlan } from "../../../core/topology/render-plan.ts";
import { parseDocument } from "../../../io/document/parse-document.ts";
import type { Context } from "../context.ts";
import type { Action } from "./action.ts";
import { dryRunUpdate } from "./topology-dry-run.ts";

export function topologyCommands(program: Command, action: Action): void {
  const topology = program.command("topology").description("networks and the tree of groups");
  topology
    .command("list")
    .description("the topology with the prefix of every group")
    .action(action(listTopology));
  topology
    .command("update")
    .argument("<file>", "JSON, JSONC or YAML, or a built-in topology (kubeadm, aws-us-east-1, …)")
    .option(
      "--dry-run",
      "only tell what would change, and what stands against it; exit code 3 if anything does",
    )
    .description("apply a topology file")
    .action(action(updateTopology));
  topology
    .command("plan")
    .argument("<file>", "JSON, JSONC or YAML, or a built-in topology (kubeadm, aws-us-east-1, …)")
    .description("what a file would do: prefixes, capacity, routes, warnings; asks no cluster")
    .action(action(planFile));
}

async function listTopology({ client, tell }: Context): Promise<void> {
  const reply = await client.request<TopologyDocument>("GET", "/topology");
  tell(reply, renderPlan(planTopology(topologyOf(reply))));
}

type UpdateOptions = { readonly dryRun?: boolean };

async function updateTopology(
  context: Context,
  file: string,
  { dryRun }: UpdateOptions,
): Promise<void | number> {
  if (dryRun) return dryRunUpdate(context, readDocument(file));
  const { client, tell } = context;
  const reply = await client.request<TopologyDocument>("POST", "/topology", readDocument(file));
  tell(reply, `the topology of ${file} is applied`);
}

async function planFile({ tell }: Context, file: string): Promise<void> {
  const plan = planTopology(topologyOf(readDocument(file)));
  tell(plan, renderPlan(plan));
}

function readDocument(file: string): unknown {
  const builtIn = builtInTopology(file);
  if (builtIn) return builtIn;
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "error";
    throw new InputError({
      code: "FILE",
      field: "file",
      value: file,
      expected: `a readable file (${reason}), or a built-in topology as kubeadm`,
    });
  }
  return parseDocument(bytes, file);
}

function topologyOf(document: unknown): Topology {
  const result = parseTopology(document);
  if (result.kind === "invalid") throw new InputError(result.faults);
  return result.topology;
}
