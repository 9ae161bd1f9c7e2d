// The bench runner's words and what it prints.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { jsonLine, renderTable, type Row } from "./render.ts";

const run = (...argv: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...argv], { encoding: "utf8" });

test("an unknown name is told with the list, and nothing runs", () => {
  const { status, stderr, stdout } = run("cni", "nope", "--what");
  assert.equal(status, 2);
  assert.match(stderr, /unknown: nope, --what; there are:\n {2}cni/);
  assert.equal(stdout, "");
});

test("help lists every bench", () => {
  const { status, stdout } = run("--help");
  assert.equal(status, 0);
  for (const name of ["cni", "allocate", "converge", "routes", "forward", "memory", "startup", "aggregate"])
    assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
});

const head = { machine: "2 x CPU", date: "2026-11-25T00:00:00.000Z" };
const rows: Row[] = [
  {
    bench: "forward",
    figure: {
      name: "round trip",
      value: 16,
      unit: "us",
      peer: { name: "by hand", value: 20 },
      interval: { mean: 0.8, low: 0.75, high: 0.85 },
      goal: { kind: "at-most", limit: 0.5, of: "ratio" },
      note: "24 pairs",
    },
  },
];

test("the table has machine, date, peer, ratio with its interval, goal, verdict and notes", () => {
  assert.equal(
    renderTable(head, rows),
    `2 x CPU
2026-11-25T00:00:00.000Z

| bench   | figure     | value   | peer            | ratio                  | goal    |        |
|---------|------------|---------|-----------------|------------------------|---------|--------|
| forward | round trip | 16.0 us | by hand 20.0 us | 0.800 (0.750 to 0.850) | <= 0.5x | MISSED |

- forward, round trip: 24 pairs
`,
  );
});

test("a line of JSON stands for itself", () => {
  const [row] = rows;
  assert.ok(row);
  const { machine, bench, ratio, met } = JSON.parse(jsonLine(head, row)) as Record<string, unknown>;
  assert.deepEqual(
    { machine, bench, ratio, met },
    { machine: "2 x CPU", bench: "forward", ratio: 0.8, met: false },
  );
});
