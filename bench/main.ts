// `npm run bench [-- NAME…] [--json]`: prints machine, date and every figure with peer, ratio and goal; exit code 1 if one is missed.
import { cpus, release, totalmem } from "node:os";
import Table from "cli-table3";
import { aggregateBench } from "./aggregate.ts";
import { allocateBench } from "./allocate.ts";
import { cniBench } from "./cni.ts";
import { convergeBench } from "./converge.ts";
import { type Bench, type Figure, isMet, ratioOf } from "./figure.ts";
import { forwardBench } from "./forward.ts";
import { memoryBench } from "./memory.ts";
import { routesBench } from "./routes.ts";
import { startupBench } from "./startup.ts";

const benches: readonly Bench[] = [
  cniBench,
  allocateBench,
  convergeBench,
  routesBench,
  forwardBench,
  memoryBench,
  startupBench,
  aggregateBench,
];

async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes("--json");
  const names = argv.filter((word) => !word.startsWith("-"));
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `bench: unknown: ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}\n`,
    );
    return 2;
  }
  const rows: { bench: string; figure: Figure }[] = [];
  for (const bench of benches.filter(({ name }) => names.length === 0 || names.includes(name))) {
    process.stderr.write(`bench ${bench.name}: ${bench.about}\n`);
    for (const figure of await bench.run()) rows.push({ bench: bench.name, figure });
  }
  process.stdout.write(json ? asJson(rows) : asTable(rows));
  return rows.every(({ figure }) => isMet(figure)) ? 0 : 1;
}

function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
}

function asJson(rows: readonly { bench: string; figure: Figure }[]): string {
  const head = { machine: machine(), date: new Date().toISOString() };
  return rows
    .map(
      ({ bench, figure }) =>
        `${JSON.stringify({ ...head, bench, ...figure, ratio: ratioOf(figure), met: isMet(figure) })}\n`,
    )
    .join("");
}

function asTable(rows: readonly { bench: string; figure: Figure }[]): string {
  const table = new Table({
    head: ["bench", "figure", "value", "peer", "ratio", "goal", ""],
    style: { head: [], border: [] },
  });
  for (const { bench, figure } of rows) table.push(cells(bench, figure));
  return `${machine()}\n${new Date().toISOString()}\n${table.toString()}\n`;
}

function cells(bench: string, figure: Figure): string[] {
  const { peer, goal, unit } = figure;
  const ratio = ratioOf(figure);
  return [
    bench,
    figure.note === undefined ? figure.name : `${figure.name}\n(${figure.note})`,
    `${round(figure.value)} ${unit}`,
    peer ? `${peer.name}: ${round(peer.value)} ${unit}` : "",
    ratio === undefined ? "" : ratio.toFixed(2),
    goal
      ? `${goal.kind === "at-most" ? "<=" : ">="} ${goal.limit}${goal.of === "ratio" ? "x" : ` ${unit}`}`
      : "report",
    goal ? (isMet(figure) ? "met" : "MISSED") : "",
  ];
}

const round = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

process.exitCode = await main(process.argv.slice(2));
