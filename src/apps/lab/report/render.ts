// The report as text. Pure.
import { formatCidr } from "../../../core/net/cidr.ts";
import type { Group, Tree } from "../../../core/model/topology.ts";
import type { Check } from "./checks.ts";
import type { Facts, NodeRoutes } from "./facts.ts";
import type { Matrix, Trace } from "./probes.ts";
import type { Throughput } from "./throughput.ts";

export type Report = {
  readonly facts: Facts;
  readonly matrix: Matrix;
  readonly traces: readonly Trace[];
  readonly throughput: Throughput | undefined;
  /** All that must hold, the packets' verdict with it. */
  readonly checks: readonly Check[];
  /** Seconds from the start to here. */
  readonly seconds: number;
};

/** Whether all that must hold does. */
export const holds = (report: Report): boolean => report.checks.every(({ faults }) => faults.length === 0);

const MAX_FAULTS_SHOWN = 10;

export function renderReport(report: Report): string {
  const { facts } = report;
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["Topology and blocks", facts.topology.trees.flatMap((tree) => treeLines(tree, facts))],
    ["Routes", routeLines(facts)],
    ["Ping", matrixLines(report.matrix, facts)],
    ["Traceroute", report.traces.flatMap(traceLines)],
    ["TCP throughput", throughputLines(report.throughput)],
    ["Time per pod (CNI ADD)", timeLines(facts)],
    ["Holds", report.checks.flatMap(checkLines)],
  ];
  const verdict = holds(report) ? "All holds" : "NOT all holds";
  const text = sections.map(([title, lines]) => [title, ...lines.map((line) => `  ${line}`), ""].join("\n"));
  return `\n${text.join("\n")}\n${verdict}, after ${report.seconds.toFixed(1)} s.\n`;
}

function treeLines(tree: Tree, facts: Facts): string[] {
  const lines = (group: Group, depth: number): string[] => {
    const prefixes = Object.values(group.prefixes).map(formatCidr).join("  ");
    const name = group.path === "" ? tree.networks.join(" + ") : group.name;
    const hosts = facts.hosts.filter((host) => group.groups.length === 0 && host.group === group.path);
    return [
      `${"  ".repeat(depth) + name.padEnd(24 - 2 * depth)} ${prefixes}`,
      ...group.groups.flatMap((child) => lines(child, depth + 1)),
      ...hosts.map(
        (host) =>
          `${"  ".repeat(depth + 1)}${host.name.padEnd(22 - 2 * depth)} ${blocksOf(facts, host.name)}`,
      ),
    ];
  };
  return lines(tree.root, 0);
}

function blocksOf({ blocks, pods }: Facts, host: string): string {
  const own = blocks.filter((block) => block.host === host);
  const byTenant = [...new Set(own.map(({ tenant }) => tenant))].map((tenant) => {
    const cidrs = own.filter((block) => block.tenant === tenant).map(({ cidr }) => cidr);
    return `${tenant} ${cidrs.join(" ")}`;
  });
  return `${pods.filter((pod) => pod.host === host).length} pods, ${own.length} blocks: ${byTenant.join(", ")}`;
}

function routeLines({ nodes, pods }: Facts): string[] {
  const flat = pods.reduce((sum, pod) => sum + pod.ips.length, 0);
  const row = (cells: readonly (string | number)[]): string =>
    `${String(cells[0]).padEnd(24)}${cells
      .slice(1)
      .map((cell) => String(cell).padStart(14))
      .join("")}`;
  const rows = nodes.map((node) =>
    row([node.node, remoteRoutes(node).length, node.routes.length - remoteRoutes(node).length, flat]),
  );
  return [row(["", "forwarding", "discard+local", "one per pod"]), ...rows];
}

/** Routes that send packets on to another node. */
const remoteRoutes = ({ routes }: NodeRoutes): NodeRoutes["routes"] =>
  routes.filter((route) => route.type === "unicast" && route.nextHops.some((hop) => hop.via !== undefined));

function matrixLines({ tried, failed }: Matrix, { pods }: Facts): string[] {
  const families = pods[0]?.ips.length ?? 0;
  return [
    `${pods.length} x ${pods.length} pods x ${families} addresses: ${tried - failed.length} of ${tried} answered`,
    ...failed.slice(0, MAX_FAULTS_SHOWN).map((pair) => `lost: ${pair}`),
  ];
}

const traceLines = ({ from, to, ip, hops }: Trace): string[] => [
  `${from} to ${to} (${ip})`,
  ...hops.map((hop, i) => `  ${i + 1}  ${hop.ip.padEnd(24)} ${hop.node}`),
];

function throughputLines(result: Throughput | undefined): string[] {
  if (!result) return ["not measured"];
  const { from, to, pods, plain } = result;
  return [
    `${from} to ${to}: ${pods.toFixed(1)} Gbit/s; same hosts, routed by hand: ${plain.toFixed(1)} Gbit/s (ratio ${(pods / plain).toFixed(2)})`,
  ];
}

function timeLines({ pods }: Facts): string[] {
  const times = pods.map(({ addMs }) => addMs).sort((a, b) => a - b);
  const at = (share: number): string =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1);
  const slow = [...pods].sort((a, b) => b.addMs - a.addMs).slice(0, 3);
  return [
    `${times.length} pods: least ${at(0)} ms, median ${at(0.5)} ms, most ${at(1)} ms`,
    `slowest: ${slow.map((pod) => `${pod.name} ${pod.addMs.toFixed(1)} ms`).join(", ")}`,
  ];
}

const checkLines = ({ sentence, faults }: Check): string[] => [
  `${faults.length === 0 ? "yes" : "NO "}  ${sentence}`,
  ...faults.slice(0, MAX_FAULTS_SHOWN).map((fault) => `       ${fault}`),
];
