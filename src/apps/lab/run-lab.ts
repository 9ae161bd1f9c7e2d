// One run of the lab: build, report, remove. Never leaves anything behind but with --keep, however it ends.
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import type { LabConfig } from "./config.ts";
import { dumpLab } from "./dump.ts";
import { type Run, runOf } from "./fabric.ts";
import type { Screen } from "./report/layout.ts";
import { holds, renderReport } from "./report/render.ts";
import { makeReport } from "./report/report.ts";
import { type LabDeps, type LabOptions, removeLab, startLab } from "./start-lab.ts";
import { labDirectory, loadState, saveState } from "./state.ts";

export type RunDeps = Omit<LabDeps, "progress"> & {
  /** How the user calls the lab: `romana lab`, `npm run lab --`. */
  readonly word: string;
  readonly screen: Screen;
  /** The report, and progress. */
  readonly say: (text: string) => void;
  /** What a failed run tells. */
  readonly complain: (text: string) => void;
};

/** Exit code: 0 all holds, 1 something does not, 130 interrupted. Throws what made it fail, after telling the lab's inside. */
export async function runLab(options: LabOptions, config: LabConfig, deps: RunDeps): Promise<number> {
  // What shows and removes the lab in the end is there before anything else: nothing needs to start while everything ends.
  const helper = await startNativeHelper({ log: deps.log });
  const run = runOf(helper);
  let id = "";
  const claimed = (own: string): void => void (id = own);
  try {
    const isWell = await buildAndReport(options, config, deps, claimed);
    // Routes, rules, snapshot and logs, while they are still there.
    if (!isWell) deps.complain(await dumpLab(id, run));
    return isWell ? 0 : 1;
  } catch (error) {
    if (deps.signal.aborted) return 130; // whatever failed, failed because everything was being stopped
    if (id !== "") deps.complain(await dumpLab(id, run));
    throw error;
  } finally {
    if (id !== "") await finish(id, config.keep, run, deps);
    await helper.close();
  }
}

/** Whether all holds. */
async function buildAndReport(
  options: LabOptions,
  config: LabConfig,
  deps: RunDeps,
  claimed: (id: string) => void,
): Promise<boolean> {
  const { clock, say, screen } = deps;
  const startedAt = clock.monotonic();
  const progress = (text: string): void => {
    const seconds = ((clock.monotonic() - startedAt) / 1000).toFixed(1);
    say(`${seconds.padStart(5)} s  ${text}\n`);
  };
  const lab = await startLab(options, { ...deps, progress }, claimed);
  try {
    const throughput = config.throughput === "on";
    const report = await makeReport(lab, { throughput, startedAt, clock, progress });
    say(renderReport(report, screen));
    return holds(report);
  } finally {
    await lab.leave();
  }
}

async function finish(id: string, keep: boolean, run: Run, deps: RunDeps): Promise<void> {
  const { say, signal, word, clock } = deps;
  if (keep && !signal.aborted) {
    // No longer this program's: `lab down` may take it away.
    await saveState({ ...(await loadState(labDirectory(id))), owner: undefined });
    say(`\nlab ${id} runs on:\n${nextWords(word)}`);
    return;
  }
  if (signal.aborted) say(`\ninterrupted: removing lab ${id}\n`);
  await removeLab(id, { run, clock });
  if (!signal.aborted) say(`The lab is removed; ${word} --keep leaves it standing, to look around.\n`);
}

const nextWords = (
  word: string,
): string => `  ${word} status                            what runs, with addresses
  ${word} exec spine-zone-a -- ip route     a command inside a pod, host or router
  ${word} down                              remove it
`;
