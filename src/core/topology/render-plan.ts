// The plan of a topology as text for a terminal.
import { formatCount } from "./format-count.ts";
import type { GroupPlan, HostPlan, RouterPlan, TopologyPlan, TreePlan } from "./plan.ts";

type Row = readonly [name: string, prefix: string, blocks: string, addresses: string];

export const renderPlan = ({ topologies }: TopologyPlan): string => topologies.map(renderTree).join("\n\n");

function renderTree(tree: TreePlan): string {
  const sections = [
    table(["Group", "Prefix", "Blocks", "Addresses"], groupRows(tree.root, tree.networks.join(" + "), 0), 2),
    table(["Router", "Routes"], tree.routers.map(routerRow), 2),
    ...(tree.warnings.length > 0
      ? [["Warnings", ...tree.warnings.map(({ text }) => `  ${text}`)].join("\n")]
      : []),
  ];
  return sections.join("\n\n");
}

/** A line for each network of a group; its name stands on the first. */
function groupRows(group: GroupPlan, title: string, depth: number): Row[] {
  const indent = "  ".repeat(depth);
  const rows = group.shares.map(({ cidr, blocks, addresses }, i): Row => [
    i === 0 ? indent + title : "",
    cidr,
    formatCount(blocks),
    formatCount(addresses),
  ]);
  return [
    ...(rows.length > 0 ? rows : [[indent + title, "none", "", ""] as const]),
    ...group.groups.flatMap((child) => groupRows(child, child.name, depth + 1)),
    ...group.hosts.flatMap((host) => hostRows(host, depth + 1)),
  ];
}

const hostRows = ({ name, ips, shares }: HostPlan, depth: number): Row[] =>
  shares.map(({ network, blocks, addresses }, i) => [
    i === 0 ? `${"  ".repeat(depth)}${name} (${ips.join(", ")})` : "",
    `of ${network}`,
    formatCount(blocks),
    formatCount(addresses),
  ]);

function routerRow({ name, routes, blockRoutes: { least, most } }: RouterPlan): readonly string[] {
  if (most === 0) return [name, formatCount(routes)];
  const hosts = least > 0 ? `at least ${formatCount(least)}` : "one a host and family";
  return [name, `${formatCount(routes)}, and for blocks ${hosts}, at most ${formatCount(most)}`];
}

/** Columns as wide as their widest cell; those after the first `left` are numbers, which align at the right. */
function table(heading: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const lines = [heading, ...rows];
  const widths = heading.map((_, i) => lines.reduce((most, line) => Math.max(most, line[i]?.length ?? 0), 0));
  return lines
    .map((line) =>
      line
        .map((cell, i) => pad(cell, widths[i] ?? 0, i < left))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const pad = (cell: string, width: number, isLeft: boolean): string =>
  isLeft ? cell.padEnd(width) : cell.padStart(width);
