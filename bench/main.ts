// `npm run bench [-- NAME…] [--json]`: prints machine, date and every figure with peer, ratio and goal; exit code 1 if one is missed.
import { cpus, release, totalmem } from "node:os";
import { inspect } from "node:util";
import { advertiseBench } from "./advertise.ts";
import { aggregateBench } from "./aggregate.ts";
import { allocateSizesBench } from "./allocate-sizes.ts";
import { allocateBench } from "./allocate.ts";
import { backupBench } from "./backup.ts";
import { cniBench } from "./cni.ts";
import { convergeBench } from "./converge.ts";
import { type Bench, isMet } from "./figure.ts";
import { etcdBench } from "./etcd.ts";
import { etcdAllocateBench } from "./etcd-allocate.ts";
import { failoverBench } from "./failover.ts";
import { forwardBench } from "./forward.ts";
import { ipamBench } from "./ipam.ts";
import { listenerBench } from "./listener.ts";
import { memoryBench } from "./memory.ts";
import { policyBench } from "./policy.ts";
import { policyTranslateBench } from "./policy-translate.ts";
import { Interrupted } from "./processes.ts";
import { jsonLine, renderTable, type Row } from "./render.ts";
import { routesBench } from "./routes.ts";
import { scaleBench } from "./scale.ts";
import { startupBench } from "./startup.ts";
import { watchersBench } from "./watchers.ts";

const benches: readonly Bench[] = [
  cniBench,
  allocateBench,
  etcdBench,
  etcdAllocateBench,
  allocateSizesBench,
  convergeBench,
  advertiseBench,
  routesBench,
  failoverBench,
  forwardBench,
  memoryBench,
  listenerBench,
  scaleBench,
  watchersBench,
  startupBench,
  aggregateBench,
  ipamBench,
  backupBench,
  policyTranslateBench,
  policyBench,
];
const list = benches.map(({ name, about }) => `  ${name.padEnd(13)} ${about}\n`).join("");
const usage = `npm run bench [-- NAME…] [--json]   all benches, or those named; exit code 1 if a goal is missed\n\n${list}`;
const tell = (text: string): void => void process.stderr.write(text);

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes("--help")) {
    process.stdout.write(usage);
    return 0;
  }
  const names = argv.filter((word) => word !== "--json");
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    tell(`bench: unknown: ${unknown.join(", ")}; there are:\n${list}`);
    return 2;
  }
  const chosen = benches.filter(({ name }) => names.length === 0 || names.includes(name));
  const rooted = chosen.filter((bench) => bench.needsRoot).map(({ name }) => name);
  if (rooted.length > 0 && process.getuid?.() !== 0) {
    tell(`bench: not root, and these make network namespaces: ${rooted.join(", ")}; name others\n`);
    return 2;
  }
  return runAll(chosen, argv.includes("--json"));
}

/** A bench that fails does not stop the others: it counts as missed. Ctrl-C stops all. */
async function runAll(chosen: readonly Bench[], json: boolean): Promise<number> {
  const head = { machine: machine(), date: new Date().toISOString() };
  const rows: Row[] = [];
  const failed: string[] = [];
  for (const [i, bench] of chosen.entries()) {
    tell(`[${i + 1}/${chosen.length}] ${bench.name}: ${bench.about}\n`);
    try {
      const found = (await bench.run()).map((figure) => ({ bench: bench.name, figure }));
      if (json) for (const row of found) process.stdout.write(jsonLine(head, row));
      rows.push(...found);
    } catch (error) {
      // What the bench was doing still waits for processes that are gone: it is not waited for.
      if (error instanceof Interrupted) process.exit(130);
      failed.push(bench.name);
      tell(`bench ${bench.name} FAILED: ${inspect(error)}\n`);
    }
  }
  if (!json) process.stdout.write(renderTable(head, rows));
  if (failed.length > 0) tell(`no figures of ${failed.join(", ")}: failed, see above\n`);
  return failed.length === 0 && rows.every(({ figure }) => isMet(figure)) ? 0 : 1;
}

function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
}

process.exitCode = await main(process.argv.slice(2));
