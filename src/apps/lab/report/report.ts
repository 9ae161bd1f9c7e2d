// Makes the report of a running lab: facts, packets, judgement. Never changes the lab but for what throughput adds and removes.
import { type Clock, Milliseconds } from "../../../base/clock.ts";
import type { Lab } from "../lab.ts";
import { type Check, checkFacts } from "./checks.ts";
import { gatherFacts } from "./facts.ts";
import { type Matrix, pingMatrix, type Trace, traceAcross } from "./probes.ts";
import type { Report } from "./render.ts";
import { measureThroughput } from "./throughput.ts";

export type ReportOptions = {
  readonly throughput: boolean;
  readonly progress: (text: string) => void;
  readonly clock: Clock;
  /** Monotonic milliseconds at which the run began. */
  readonly startedAt: number;
};

/** Routes follow a pod within milliseconds; what is not right after this many rounds will not be. */
const ROUNDS = 3;

export async function makeReport(lab: Lab, options: ReportOptions): Promise<Report> {
  const { clock, progress } = options;
  progress(`pings between all ${lab.state.pods.length} pods`);
  const matrix = await settledMatrix(lab, clock);
  progress("traceroute across the topology");
  const traces = await settled(
    () => traceAcross(lab),
    (found) => found.every(({ complete }) => complete),
    clock,
  );
  if (options.throughput) progress("TCP throughput");
  const throughput = options.throughput ? await measureThroughput(lab, clock) : undefined;
  const facts = await gatherFacts(lab);
  const checks = [...checkFacts(facts), ...checkPackets(matrix, traces)];
  const seconds = (clock.monotonic() - options.startedAt) / 1000;
  return { facts, matrix, traces, throughput, checks, seconds };
}

/** The first full matrix, else the last. */
export const settledMatrix = (lab: Lab, clock: Clock): Promise<Matrix> =>
  settled(
    () => pingMatrix(lab),
    ({ failed }) => failed.length === 0,
    clock,
  );

/** The first good result of a probe, else the last. */
async function settled<T>(probe: () => Promise<T>, isGood: (found: T) => boolean, clock: Clock): Promise<T> {
  let found = await probe();
  for (let round = 1; round < ROUNDS && !isGood(found); round++) {
    await clock.sleep(Milliseconds(300));
    found = await probe();
  }
  return found;
}

function checkPackets({ tried, failed }: Matrix, traces: readonly Trace[]): Check[] {
  const lostTraces = traces.filter(({ complete }) => !complete);
  return [
    {
      sentence: "every pod answers every pod, on every address",
      faults:
        tried === 0 ? ["no pods"] : failed.length > 0 ? [`${failed.length} of ${tried} not answered`] : [],
    },
    {
      sentence: "a traceroute names every hop",
      faults: lostTraces.map(
        ({ from, to, hops }) => `${from} to ${to}: ${hops.map((hop) => hop.ip).join(" ")}`,
      ),
    },
  ];
}
