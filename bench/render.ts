// Figures as a table that fits a terminal and a page of the docs, or as lines of JSON. Pure.
import { type Figure, type Goal, isMet, ratioOf } from "./figure.ts";

export type Row = { readonly bench: string; readonly figure: Figure };
export type Head = { readonly machine: string; readonly date: string };

export const jsonLine = (head: Head, { bench, figure }: Row): string =>
  `${JSON.stringify({ ...head, bench, ...figure, ratio: ratioOf(figure), met: isMet(figure) })}\n`;

const TITLES = ["bench", "figure", "value", "peer", "ratio", "goal", ""];

/** A Markdown table: a terminal shows it as well as the docs do. Notes stand below it. */
export function renderTable({ machine, date }: Head, rows: readonly Row[]): string {
  const table = [TITLES, ...rows.map(cells)];
  const widths = TITLES.map((_, column) => Math.max(3, ...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const [head = [], ...body] = table;
  const notes = rows.flatMap(({ bench, figure: { name, note } }) =>
    note === undefined ? [] : [`- ${bench}, ${name}: ${note}`],
  );
  const lines = [`${machine}`, date, "", line(head), rule, ...body.map(line), "", ...notes];
  return `${lines.join("\n").trimEnd()}\n`;
}

function cells({ bench, figure }: Row): string[] {
  const { name, value, unit, peer, goal } = figure;
  return [
    bench,
    name,
    `${round(value)} ${unit}`,
    peer ? `${peer.name} ${round(peer.value)} ${unit}` : "",
    ratioText(figure),
    goal ? goalText(goal, unit) : "report",
    goal ? (isMet(figure) ? "met" : "MISSED") : "",
  ];
}

function ratioText(figure: Figure): string {
  const ratio = ratioOf(figure);
  if (ratio === undefined) return "";
  const { interval } = figure;
  return interval
    ? `${ratio.toFixed(3)} (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`
    : ratio.toFixed(2);
}

const goalText = ({ kind, limit, of }: Goal, unit: string): string =>
  `${kind === "at-most" ? "<=" : ">="} ${limit}${of === "ratio" ? "x" : ` ${unit}`}`;

const round = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
