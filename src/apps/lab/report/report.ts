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

/** Routes follow a pod within milliseconds; a matrix that is not full after this many rounds will not be. */
const ROUNDS = 4;

export async function makeReport(lab: Lab, options: ReportOptions): Promise<Report> {
  const { clock, progress } = options;
  progress(`pings between all ${lab.state.pods.length} pods`);
  const matrix = await settledMatrix(lab, clock);
  progress("traceroute across the topology");
  const traces = await traceAcross(lab);
  if (options.throughput) progress("TCP throughput");
  const throughput = options.throughput ? await measureThroughput(lab, clock) : undefined;
  const facts = await gatherFacts(lab);
  const checks = [...checkFacts(facts), ...checkPackets(matrix, traces)];
  const seconds = (clock.monotonic() - options.startedAt) / 1000;
  return { facts, matrix, traces, throughput, checks, seconds };
}

/** The first full matrix, else the last. */
export async function settledMatrix(lab: Lab, clock: Clock): Promise<Matrix> {
  let matrix = await pingMatrix(lab);
  for (let round = 1; round < ROUNDS && matrix.failed.length > 0; round++) {
    await clock.sleep(Milliseconds(300));
    matrix = await pingMatrix(lab);
  }
  return matrix;
}

function checkPackets(matrix: Matrix, traces: readonly Trace[]): Check[] {
  const lostTraces = traces.filter(({ complete }) => !complete);
  return [
    {
      sentence: "every pod answers every pod, on every address",
      faults: matrix.tried > 0 ? matrix.failed : ["no pods"],
    },
    {
      sentence: "a traceroute names every hop",
      faults: lostTraces.map(
        ({ from, to, hops }) => `${from} to ${to}: ${hops.map((hop) => hop.ip).join(" ")}`,
      ),
    },
  ];
}
