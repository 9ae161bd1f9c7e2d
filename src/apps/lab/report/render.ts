// The report as text for a terminal: each part with its gist beside the title. Pure.
import type { Check } from "./checks.ts";
import type { Facts } from "./facts.ts";
import { columns, type Screen } from "./layout.ts";
import { matrixLines } from "./matrix.ts";
import type { Matrix, Trace } from "./probes.ts";
import { routeCounts, routeGist, routeLines } from "./routes.ts";
import type { Throughput } from "./throughput.ts";
import { treeLines } from "./tree.ts";

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
const INDENT = "  ";

type Section = { readonly title: string; readonly gist: string; readonly lines: readonly string[] };

export function renderReport(report: Report, screen: Screen): string {
  const parts = sections(report, screen).map(({ title, gist, lines }) =>
    [`${screen.paint("title", title)}  ${gist}`.trimEnd(), ...lines.map((line) => INDENT + line)].join("\n"),
  );
  const verdict = holds(report)
    ? screen.paint("good", "All of it holds")
    : screen.paint("bad", "NOT all of it holds");
  return `\n${parts.join("\n\n")}\n\n${verdict}, after ${report.seconds.toFixed(1)} s.\n`;
}

function sections(report: Report, screen: Screen): Section[] {
  const { facts, matrix, traces } = report;
  const counts = routeCounts(facts);
  const trees = facts.topology.trees.flatMap((tree) => treeLines(tree, facts, screen.width - INDENT.length));
  const [first] = traces;
  return [
    { title: "Topology", gist: "prefixes of zones and racks, blocks of hosts by tenant", lines: trees },
    { title: "Routes", gist: routeGist(counts), lines: routeLines(counts) },
    { title: "Ping", gist: pingGist(matrix, facts), lines: pingLines(matrix, facts) },
    {
      title: "Traceroute",
      gist: first ? `${first.from} to ${first.to}` : "no pods",
      lines: traceLines(traces),
    },
    {
      title: "TCP throughput",
      gist: throughputGist(report.throughput),
      lines: throughputLines(report.throughput),
    },
    { title: "Time per pod", gist: timeGist(facts), lines: timeLines(facts) },
    { title: "What must hold", gist: "", lines: report.checks.flatMap((check) => checkLines(check, screen)) },
  ];
}

function pingGist({ tried, failed }: Matrix, { pods }: Facts): string {
  const isIpv6 = (ip: string): boolean => ip.includes(":");
  const families = (pods[0]?.ips ?? []).map((ip) => (isIpv6(ip) ? "IPv6" : "IPv4")).join(" and ");
  return `${pods.length} x ${pods.length} pods, ${families}: ${tried - failed.length} of ${tried} answered`;
}

function pingLines({ tried, failed }: Matrix, { pods }: Facts): string[] {
  const legend = "■ answered on every address; a row for each pod that asks, columns as rows";
  const losses = failed.map(({ from, ip, to }) => `lost: ${from} -> ${ip} (${to})`);
  return [
    ...matrixLines({ tried, failed }, pods),
    legend,
    ...(failed.length > 0 ? ["· on none, 4 or 6: only in that family, ? on some"] : []),
    ...losses.slice(0, MAX_FAULTS_SHOWN),
  ];
}

/** Hop by hop; the families side by side. */
function traceLines(traces: readonly Trace[]): string[] {
  const hops = Math.max(0, ...traces.map((trace) => trace.hops.length));
  const rows = Array.from({ length: hops }, (_, i) => {
    const each = traces.map((trace) => trace.hops[i]);
    const nodes = [...new Set(each.map((hop) => hop?.node ?? "-"))].join(" / ");
    return [String(i + 1), nodes, ...each.map((hop) => hop?.ip ?? "-")];
  });
  return columns(rows, Infinity);
}

const throughputGist = (result: Throughput | undefined): string =>
  result ? `${result.from} to ${result.to}` : "not measured";

const throughputLines = (result: Throughput | undefined): string[] =>
  result
    ? [
        `pods ${result.pods.toFixed(1)} Gbit/s, the same hosts routed by hand ${result.plain.toFixed(1)} Gbit/s: ratio ${(result.pods / result.plain).toFixed(2)}`,
      ]
    : [];

const sortedTimes = ({ pods }: Facts): Facts["pods"] => [...pods].sort((a, b) => a.addMs - b.addMs);

function timeGist(facts: Facts): string {
  const times = sortedTimes(facts);
  return `median ${(times[Math.floor(times.length / 2)]?.addMs ?? 0).toFixed(1)} ms from exec of the CNI plugin to its reply`;
}

function timeLines(facts: Facts): string[] {
  const times = sortedTimes(facts);
  const text = (pod: Facts["pods"][number] | undefined): string =>
    pod ? `${pod.addMs.toFixed(1)} ms (${pod.name})` : "-";
  return [
    `fastest ${text(times[0])}, slowest ${text(times.at(-1))}`,
    "agents that have just started; warm ones: npm run bench -- cni",
  ];
}

const checkLines = ({ sentence, faults }: Check, { paint }: Screen): string[] => [
  `${faults.length === 0 ? paint("good", "✓") : paint("bad", "✗")} ${sentence}`,
  ...faults.slice(0, MAX_FAULTS_SHOWN).map((fault) => `    ${fault}`),
  ...(faults.length > MAX_FAULTS_SHOWN ? [`    and ${faults.length - MAX_FAULTS_SHOWN} more`] : []),
];
