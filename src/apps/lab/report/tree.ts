// The tree of groups with their prefixes, and below each rack its hosts with the blocks that their pods took. Pure.
import type { Group, Tree } from "../../../core/model/topology.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import type { Facts } from "./facts.ts";
import { wrapped } from "./layout.ts";

type Line = {
  readonly name: string;
  /** What stands below the name where the items need several lines. */
  readonly below: string;
  readonly lead: string;
  readonly items: readonly string[];
};

export function treeLines(tree: Tree, facts: Facts, width: number): string[] {
  const lines = groupLines(tree.root, tree.networks.join(" + "), facts);
  const indent = Math.max(...lines.map(({ name }) => name.length)) + 2;
  return lines.flatMap(({ name, below, lead, items }) => {
    const [first = "", ...rest] = wrapped(lead, items, width - indent);
    return [name.padEnd(indent) + first, ...rest.map((text) => below.padEnd(indent) + text)];
  });
}

function groupLines(group: Group, title: string, facts: Facts): Line[] {
  const hosts = facts.hosts.filter((host) => group.groups.length === 0 && host.group === group.path);
  const children = [
    ...group.groups.map((child) => groupLines(child, child.name, facts)),
    ...hosts.map((host) => [hostLine(facts, host.name)]),
  ];
  const prefixes = Object.values(group.prefixes).map(formatCidr);
  const own: Line = { name: title, below: children.length > 0 ? "│" : "", lead: "", items: prefixes };
  return [own, ...children.flatMap((lines, i) => branch(lines, i === children.length - 1))];
}

/** Lines of a child, hung below its parent. */
function branch(lines: readonly Line[], isLast: boolean): Line[] {
  const rest = isLast ? "   " : "│  ";
  return lines.map((line, i) => ({
    ...line,
    name: (i > 0 ? rest : isLast ? "└─ " : "├─ ") + line.name,
    below: rest + line.below,
  }));
}

/** As `3 pods  shop 10.112.0.0/29 fd10:112::/125  bank …`. */
function hostLine({ blocks, pods }: Facts, host: string): Line {
  const own = blocks.filter((block) => block.host === host);
  const tenants = [...new Set(own.map(({ tenant }) => tenant))];
  const items = tenants.map((tenant) => {
    const cidrs = own.filter((block) => block.tenant === tenant).map(({ cidr }) => cidr);
    return [tenant, ...cidrs].join(" ");
  });
  const count = pods.filter((pod) => pod.host === host).length;
  return { name: host, below: "", lead: `${count} ${count === 1 ? "pod " : "pods"}  `, items };
}
