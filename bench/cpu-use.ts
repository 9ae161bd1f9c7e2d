// Where the processor's time goes: seconds of it that processes have used, and cores between two looks.
import { readFileSync } from "node:fs";

/** USER_HZ, which Linux shows to programs as 100 on every architecture that Romana runs on. */
const TICKS = 100;

/** Seconds of processor time of a process, all its threads. */
export function cpuSeconds(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export type CpuWatch = { readonly cores: () => Record<string, number> };

type Pids = readonly (number | undefined)[];

/** Starts to look; the result tells the cores that each part used since, by name. */
export function watchCpu(parts: Readonly<Record<string, Pids>>): () => Record<string, number> {
  const used = (pids: Pids): number => pids.reduce<number>((sum, pid) => sum + cpuSeconds(pid), 0);
  const start = performance.now();
  const before = Object.entries(parts).map(([name, pids]) => ({ name, pids, seconds: used(pids) }));
  return () => {
    const elapsed = (performance.now() - start) / 1000;
    return Object.fromEntries(
      before.map(({ name, pids, seconds }) => [name, (used(pids) - seconds) / elapsed]),
    );
  };
}

export const coresText = (cores: Readonly<Record<string, number>>): string =>
  Object.entries(cores)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(", ");
