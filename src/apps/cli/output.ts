// What commands print: a table for people, JSON or YAML for scripts. Tables show rows; scripts get the daemon's reply whole.
import Table from "cli-table3";
import { stringify } from "yaml";

export type Format = "table" | "json" | "yaml";
export const FORMATS: readonly Format[] = ["table", "json", "yaml"];

/** Heading and how a row shows it. */
export type Column<Row> = readonly [heading: string, cell: (row: Row) => string | number];

const borderless = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const table = new Table({
    head: columns.map(([heading]) => heading),
    chars: borderless,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: columns.map(([, cell]) =>
      rows.length > 0 && rows.every((row) => typeof cell(row) === "number") ? "right" : "left",
    ),
  });
  for (const row of rows) table.push(columns.map(([, cell]) => String(cell(row))));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** `whole` in a script's format, or `rows` as a table. */
export function render<Row>(
  format: Format,
  whole: unknown,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): string {
  switch (format) {
    case "json":
      return JSON.stringify(whole, null, 2);
    case "yaml":
      return stringify(whole).trimEnd();
    case "table":
      return rows.length === 0
        ? `no ${plural(columns[0]?.[0].toLowerCase() ?? "row")}`
        : renderTable(rows, columns);
  }
}

const plural = (word: string): string =>
  word.endsWith("y") ? `${word.slice(0, -1)}ies` : `${word}${word.endsWith("s") ? "es" : "s"}`;
