// `romana topology update FILE --dry-run`: what would change, and every address that stands against it.
import type { TopologyPlanReply } from "../../../core/api/topology-plan.ts";
import type { Client } from "../client.ts";
import type { Context } from "../context.ts";
import { type Column, renderTable } from "../output.ts";

/** Exit code where addresses in use stand against the topology. */
const FOUND = 3;
/** The daemon works out all of them for each page. */
const PAGE = 5000;
type Conflict = TopologyPlanReply["conflicts"]["conflicts"][number];

export async function dryRunUpdate({ client, tell }: Context, document: unknown): Promise<number> {
  const pages = await planPages(client, document);
  const [reply] = pages;
  const conflicts = pages.flatMap((page) => page.conflicts.conflicts);
  const { revision } = reply.conflicts;
  const isChanged = pages.some((page) => page.conflicts.revision !== revision);
  tell(
    { ...reply, conflicts: { revision, total: conflicts.length, conflicts } },
    renderChanges(reply, conflicts) + (isChanged ? `\n\n${CHANGED}` : ""),
  );
  return conflicts.length > 0 ? FOUND : 0;
}

const CHANGED =
  "the store was written to meanwhile: addresses that came or went since may be missing or too many";

async function planPages(
  client: Client,
  document: unknown,
): Promise<[TopologyPlanReply, ...TopologyPlanReply[]]> {
  const ask = (query: string): Promise<TopologyPlanReply> =>
    client.request("POST", `/topology/plan?limit=${PAGE}${query}`, document);
  const first = await ask("");
  const later: TopologyPlanReply[] = [];
  for (let next = first.conflicts.continue; next !== undefined;) {
    const page = await ask(`&continue=${encodeURIComponent(next)}`);
    later.push(page);
    next = page.conflicts.continue;
  }
  return [first, ...later];
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
