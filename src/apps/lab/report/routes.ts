// Routes by node, beside what they would be without aggregation. Pure.
import type { Facts, NodeRoutes } from "./facts.ts";
import { columns } from "./layout.ts";

export type RouteCounts = {
  readonly node: string;
  /** Routes that lead to other nodes. */
  readonly held: number;
  /** The rest: a host's own pods and blocks, the unused space of a router's prefixes. */
  readonly own: number;
  /** What would lead to other nodes with a route for each block, or for each address of a pod. */
  readonly perBlock: number;
  readonly perPod: number;
};

export function routeCounts({ nodes, blocks, pods }: Facts): RouteCounts[] {
  return nodes.map((node) => {
    const held = routesOnward(node).length;
    return {
      node: node.node,
      held,
      own: node.routes.length - held,
      perBlock: blocks.filter(({ host }) => host !== node.node).length,
      perPod: pods.filter(({ host }) => host !== node.node).flatMap(({ ips }) => ips).length,
    };
  });
}

const routesOnward = ({ routes }: NodeRoutes): NodeRoutes["routes"] =>
  routes.filter((route) => route.type === "unicast" && route.nextHops.some((hop) => hop.via !== undefined));

export function routeLines(counts: readonly RouteCounts[]): string[] {
  const sum = (key: Exclude<keyof RouteCounts, "node">): number =>
    counts.reduce((total, count) => total + count[key], 0);
  const table = columns(
    [
      ["", "to others", "own", "per block", "per pod"],
      ...counts.map(({ node, held, own, perBlock, perPod }) => [node, held, own, perBlock, perPod]),
      ["together", sum("held"), sum("own"), sum("perBlock"), sum("perPod")],
    ],
    1,
  );
  return [...table, "own: a host's pods and blocks; what a router discards of its own prefixes"];
}

export function routeGist(counts: readonly RouteCounts[]): string {
  const total = (pick: (count: RouteCounts) => number): number =>
    counts.reduce((sum, count) => sum + pick(count), 0);
  const held = total((count) => count.held);
  return `${held} lead to other nodes; without aggregation ${total((count) => count.perBlock)}, with one per pod ${total((count) => count.perPod)}`;
}
