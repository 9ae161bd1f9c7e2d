// One run: a bed, clients that ask, faults that strike, and the judgement of what they were told.
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { seededRng } from "../../src/base/clock.ts";
import { SEQUENCE_PER_MS } from "../../src/core/ipam/allocate.ts";
import type { Bed } from "../../test/support/bed.ts";
import { type ClientProcess, startClient } from "./bed/client-process.ts";
import { type BedSize, type FaultBed, startFaultBed } from "./bed/fault-bed.ts";
import { hostBody } from "./client/api.ts";
import { collectLeaks } from "./collect-leaks.ts";
import { differingDaemons, readFinal, tornRecords } from "./final-state.ts";
import { checkHistory } from "./history/check-history.ts";
import type { Given, Operation } from "./history/history.ts";
import { GREATEST_JUMP, inject } from "./inject.ts";
import { type FaultKind, type FaultPlan, type Lane, planFaults } from "./plan-faults.ts";

export type RunOptions = BedSize & {
  readonly seed: number;
  /** Requests, retries included. */
  readonly operations: number;
  /** How often each kind of fault comes. */
  readonly rounds: number;
  /** Milliseconds after which no more requests are made. */
  readonly limit: number;
  /** Told now and then. */
  readonly progress: (operations: number, faults: number) => void;
};

export type RunResult = {
  readonly operations: number;
  /** Of asking. */
  readonly seconds: number;
  /** By kind of outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Last words of daemons that ended by themselves. */
  readonly ends: readonly string[];
  readonly addresses: number;
  /** Of them, those that no client knows of: whoever asked was not told, and did not ask again; and names that all share. */
  readonly leaked: number;
  /** By the collection. What is left of the leaked after it is a violation. */
  readonly freed: number;
  readonly violations: readonly string[];
};

const WORKERS = 64;
const HOSTS = Array.from({ length: 64 }, (_, i) => `rack-${i % 2 === 0 ? "a" : "b"}-${i + 1}`);

export async function runFaults(bed: Bed, options: RunOptions): Promise<RunResult> {
  const faultBed = await startFaultBed(bed, options);
  for (const host of HOSTS) await faultBed.daemons[0]?.post("/hosts", hostBody(host));
  const start = performance.now();
  const clients = startClients(faultBed, options);
  const counts: Partial<Record<FaultKind, number>> = {};
  const watching = watch(clients, counts, options);
  const schedule = planFaults(options.operations, options.rounds, seededRng(options.seed));
  const lanes = (["store", "daemon"] satisfies Lane[]).map((lane) =>
    runLane(faultBed, schedule[lane], watching, counts),
  );
  const [held] = await Promise.all([Promise.all(clients.map(({ done }) => done)), ...lanes]);
  watching.end();
  const seconds = (performance.now() - start) / 1000;
  return { ...(await judge(faultBed, clients.length, held.flat())), seconds, faults: counts };
}

function startClients({ bed, clients, daemons }: FaultBed, options: RunOptions): ClientProcess[] {
  return clients.map((place, i) =>
    startClient(bed, place, {
      ...{ seed: options.seed + i, name: place.name, workers: WORKERS, hosts: HOSTS },
      // Of both racks.
      own: HOSTS.filter((_, n) => Math.floor(n / 2) % clients.length === i),
      operations: Math.ceil(options.operations / clients.length),
      daemons: daemons.map(({ url }) => url),
      history: historyOf(bed, i),
    }),
  );
}

const historyOf = (bed: Bed, i: number): string => join(bed.dir, `history-${i}.ndjson`);

type Watching = {
  readonly operations: () => number;
  readonly isOver: () => boolean;
  readonly end: () => void;
};

/** Follows the clients; stops them when the time is over. */
function watch(
  clients: readonly ClientProcess[],
  counts: Partial<Record<FaultKind, number>>,
  { limit, progress }: RunOptions,
): Watching {
  const operations = (): number => clients.reduce((sum, client) => sum + client.operations(), 0);
  let done = false;
  void Promise.allSettled(clients.map((client) => client.done)).then(() => (done = true));
  const faults = (): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const told = setInterval(() => progress(operations(), faults()), 5000);
  const bound = setTimeout(() => {
    for (const client of clients) client.stop();
  }, limit);
  const end = (): void => {
    clearInterval(told);
    clearTimeout(bound);
  };
  return { operations, isOver: () => done, end };
}

/** One fault after the other, each when its time has come; none after the clients are done. */
async function runLane(
  bed: FaultBed,
  plans: readonly FaultPlan[],
  watching: Watching,
  counts: Partial<Record<FaultKind, number>>,
): Promise<void> {
  for (const plan of plans) {
    while (watching.operations() < plan.after && !watching.isOver()) await delay(20);
    if (watching.isOver()) return;
    if (await inject(bed, plan)) counts[plan.kind] = (counts[plan.kind] ?? 0) + 1;
  }
}

async function judge(
  bed: FaultBed,
  clients: number,
  held: readonly Given[],
): Promise<Omit<RunResult, "seconds" | "faults">> {
  for (const daemon of bed.daemons) await daemon.ready();
  const { records, ...final } = await readFinal(bed);
  const operations: Operation[] = [];
  for (let i = 0; i < clients; i++) await readHistory(historyOf(bed.bed, i), operations);
  const small = [{ tenant: "tight", cidr: "10.200.0.0/26", blockMask: 29 }];
  const found = checkHistory({
    ground: { hosts: HOSTS, small, skew: GREATEST_JUMP * SEQUENCE_PER_MS },
    operations,
    final,
  });
  const violations = [
    ...found.map(({ rule, what }) => `${rule}: ${what}`),
    ...tornRecords(records),
    ...(await differingDaemons(bed, final)),
  ];
  const after = await judgeCollection(bed, final.addresses, held);
  return {
    ...{ operations: operations.length, outcomes: countOutcomes(operations) },
    ...{ ends: bed.daemons.flatMap(({ ends }) => ends), addresses: final.addresses.length },
    ...{ leaked: after.leaked, freed: after.freed, violations: [...violations, ...after.violations] },
  };
}

/** What clients know of must be there after the collection, and nothing else. */
async function judgeCollection(bed: FaultBed, before: readonly Given[], held: readonly Given[]) {
  const known = new Set(held.map(keyOf));
  const alive = before.filter((given) => known.has(keyOf(given)));
  const freed = await collectLeaks(bed, alive);
  const { records, addresses } = await readFinal(bed);
  const [expected, left] = [new Set(alive.map(keyOf)), new Set(addresses.map(keyOf))];
  const leaks = addresses.filter((given) => !expected.has(keyOf(given)));
  const taken = alive.filter((given) => !left.has(keyOf(given)));
  const violations = [
    ...leaks.map((given) => `leak: ${keyOf(given)} is left after the collection`),
    ...taken.map((given) => `collected alive: ${keyOf(given)}`),
    ...tornRecords(records),
  ];
  return { leaked: before.length - alive.length, freed: freed.length, violations };
}

const keyOf = ({ name, sequence }: Given): string => `${name} ${sequence}`;

async function readHistory(path: string, into: Operation[]): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(path) }))
    into.push(JSON.parse(line) as Operation);
}

function countOutcomes(operations: readonly Operation[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { request, outcome } of operations) {
    const said =
      outcome.kind === "refused"
        ? `refused ${outcome.code}`
        : outcome.kind === "unknown"
          ? `unknown ${outcome.why}`
          : outcome.kind;
    const key = request.kind === "report" ? `report ${said}` : said;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
