// Text in columns, and text that keeps within a terminal. Pure.

/** How the reader's terminal is. */
export type Screen = {
  /** Columns. */
  readonly width: number;
  /** Emphasis of a text, or none. */
  readonly paint: (style: "title" | "good" | "bad", text: string) => string;
};

/** Columns as wide as their widest cell, two blanks apart; those from the `left`-th on are numbers and align at the right. */
export function columns(rows: readonly (readonly (string | number)[])[], left: number): string[] {
  const texts = rows.map((row) => row.map(String));
  const widths = (texts[0] ?? []).map((_, i) => Math.max(...texts.map((row) => row[i]?.length ?? 0)));
  return texts.map((row) =>
    row
      .map((cell, i) => (i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** `head` and as many items a line as fit `width`; the next lines begin below the first item. An item is never cut. */
export function wrapped(head: string, items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = head;
  let isEmpty = true;
  for (const item of items) {
    if (!isEmpty && line.length + 2 + item.length > width) {
      lines.push(line);
      line = " ".repeat(head.length);
      isEmpty = true;
    }
    line += isEmpty ? item : `  ${item}`;
    isEmpty = false;
  }
  return [...lines, line.trimEnd()];
}
