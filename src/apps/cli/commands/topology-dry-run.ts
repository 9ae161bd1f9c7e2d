// `romana topology update FILE --dry-run`: what would change, and every address that stands against it.
import type { ConflictPage, TopologyPlanReply } from "../../../core/api/topology-plan.ts";
import type { Client } from "../client.ts";
import type { Context } from "../context.ts";
import { type Column, renderTable } from "../output.ts";

/** Exit code where addresses in use stand against the topology. */
const FOUND = 3;
type Conflict = ConflictPage["conflicts"][number];

export async function dryRunUpdate({ client, tell }: Context, document: unknown): Promise<number> {
  const reply = await client.request<TopologyPlanReply>("POST", "/topology/plan", document);
  const conflicts = await allConflicts(client, reply.conflicts);
  const { revision, total } = reply.conflicts;
  tell({ ...reply, conflicts: { revision, total, conflicts } }, renderChanges(reply, conflicts));
  return total > 0 ? FOUND : 0;
}

async function allConflicts(client: Client, first: ConflictPage): Promise<Conflict[]> {
  const conflicts = [...first.conflicts];
  for (let page = first; page.continue !== undefined;) {
    page = await client.request<ConflictPage>("GET", `/topology/conflicts?continue=${page.continue}`);
    conflicts.push(...page.conflicts);
  }
  return conflicts;
}

const groupColumns: readonly Column<TopologyPlanReply["groups"][number]>[] = [
  [
    "Change",
    ({ before, after }) => (before === undefined ? "added" : after === undefined ? "removed" : "moved"),
  ],
  ["Network", ({ network }) => network],
  ["Group", ({ group }) => group || "/"],
  ["Before", ({ before }) => before ?? "-"],
  ["After", ({ after }) => after ?? "-"],
];
const pathsOf = (paths: readonly (string | null)[]): string =>
  paths.map((path) => (path === null ? "none" : path || "/")).join(", ") || "none";
const hostColumns: readonly Column<TopologyPlanReply["hosts"][number]>[] = [
  ["Host", ({ name }) => name],
  ["Groups before", ({ before }) => pathsOf(before)],
  ["Groups after", ({ after }) => pathsOf(after)],
];
const conflictColumns: readonly Column<Conflict>[] = [
  ["Address", ({ ip }) => ip],
  ["Name", ({ name }) => name],
  ["In the way", ({ reason }) => reason],
];

function renderChanges(reply: TopologyPlanReply, conflicts: readonly Conflict[]): string {
  const { groups, hosts, blocks, warnings } = reply;
  const parts = [
    ...(groups.length > 0 ? [renderTable(groups, groupColumns)] : ["no group changes"]),
    ...(hosts.length > 0 ? [renderTable(hosts, hostColumns)] : []),
    ...(blocks.length > 0 ? [`empty blocks that would go: ${blocks.join(", ")}`] : []),
    ...(warnings.length > 0 ? [["Warnings", ...warnings.map((text) => `  ${text}`)].join("\n")] : []),
    conflicts.length > 0
      ? `${renderTable(conflicts, conflictColumns)}\n\n${conflicts.length} addresses in use stand against it`
      : "nothing in use stands against it",
  ];
  return parts.join("\n\n");
}
