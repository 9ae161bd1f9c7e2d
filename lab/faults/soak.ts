// `npm run soak`: a long run with all faults. Exit code 1 if what clients were told is not what a correct IPAM could have told.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withBed } from "../../bench/processes.ts";
import { type RunResult, runFaults } from "./run.ts";

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 1e9) },
    minutes: { type: "string", default: "120" },
    rounds: { type: "string" },
    daemons: { type: "string", default: "3" },
    members: { type: "string", default: "3" },
  },
});
const read = (name: string, text: string, least: number): number => {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  process.stderr.write(`soak: --${name} ${text}: expected a whole number from ${least}\n`);
  process.exit(2);
};
const operations = read("operations", values.operations, 100);
const seed = read("seed", values.seed, 0);
const minutes = read("minutes", values.minutes, 1);
const rounds = read("rounds", values.rounds ?? String(Math.ceil(operations / 10_000)), 0);
const daemons = read("daemons", values.daemons, 1);
const members = read("members", values.members, 1);

const began = new Date();
print(`${operations} operations, seed ${seed}, ${daemons} daemons, ${members} etcd members`);
const result = await withBed(async (bed) => {
  const found = await runFaults(bed, {
    ...{ seed, operations, rounds, daemons, members, clients: 2, limit: minutes * 60_000 },
    progress: (made, faults) => print(`${made} operations, ${faults} faults`),
  });
  if (found.violations.length > 0) keepEvidence(bed.dir);
  return found;
});
report(result);
process.exitCode = result.violations.length > 0 || result.operations === 0 ? 1 : 0;

function print(line: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

/** The history and what daemons and members said, for whoever looks for the cause. */
function keepEvidence(from: string): void {
  const kept = join(import.meta.dirname, `../../build/soak-${seed}`);
  mkdirSync(kept, { recursive: true });
  for (const file of readdirSync(from))
    if (/\.(ndjson|log)$/.test(file)) copyFileSync(join(from, file), join(kept, file));
  print(`history and logs are kept in ${kept}`);
}

function report({ seconds, outcomes, faults, violations, ends, ...counts }: RunResult): void {
  const cpu = `${availableParallelism()} x ${cpus()[0]?.model ?? "?"}`;
  print(
    `${began.toISOString()}, ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, seed ${seed}`,
  );
  print(
    `${counts.operations} operations in ${seconds.toFixed(0)} s: ${(counts.operations / seconds).toFixed(0)}/s`,
  );
  table("outcomes", outcomes);
  table("faults", faults);
  print(
    `${counts.addresses} addresses at the end, ${counts.leaked} that nobody knew of, ${counts.freed} freed by ipam gc`,
  );
  print(`daemons ended by themselves ${ends.length} times`);
  for (const words of ends.slice(0, 5)) print(`  ${words}`);
  const count = (rule: string): number => violations.filter((each) => each.startsWith(`${rule}:`)).length;
  print(`duplicates ${count("held-by-two")}, lost ${count("lost")}, leaks after gc ${count("leak")}`);
  for (const violation of violations.slice(0, 50)) print(violation);
  print(`${violations.length} violations`);
}

function table(title: string, counts: Readonly<Record<string, number>>): void {
  print(`${title}:`);
  for (const [name, count] of Object.entries(counts).sort(([, a], [, b]) => b - a))
    print(`  ${name.padEnd(34)}${count}`);
}
