// How long the built program takes from exec to ready: the daemon and the agent until their port answers, the CLI until it ends.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, median } from "./figure.ts";

const main = join(import.meta.dirname, "../dist/main.js");
const RUNS = 7;

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    const ok = await fetch(url).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ok) return;
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${url} was never ready`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once("exit", () => {
      resolve();
    });
    child.kill("SIGTERM");
  });
}

/** Milliseconds from spawn until `url` answers 200. */
async function startOnce(args: string[], url: string): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "ignore", "ignore"] });
  try {
    await untilReady(url, child);
    return performance.now() - start;
  } finally {
    await stop(child);
  }
}

async function times(run: () => Promise<number>): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < RUNS + 1; i++) all.push(await run());
  return median(all.slice(1)); // the first fills the compile cache
}

export const startupBench: Bench = {
  name: "startup",
  about: "exec to ready",
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), "romana-bench-"));
    try {
      const version = await times(async () => {
        const start = performance.now();
        spawnSync(process.execPath, [main, "--version"]);
        return performance.now() - start;
      });
      const daemonArgs = [
        "daemon",
        "--listen",
        "127.0.0.1:19600",
        "--store",
        `sqlite:${dir}/db`,
        "--new-cluster",
      ];
      const daemon = await times(() => startOnce(daemonArgs, "http://127.0.0.1:19600/readyz"));
      const keep = spawn(process.execPath, [main, ...daemonArgs], { stdio: "ignore" });
      try {
        await untilReady("http://127.0.0.1:19600/readyz", keep);
        const agentArgs = [
          "agent",
          "--daemon",
          "http://127.0.0.1:19600",
          "--hostname",
          "bench",
          "--state-dir",
          `${dir}/agent`,
          "--cni-socket",
          `${dir}/cni.sock`,
          "--metrics",
          "19607",
          "--once-ready-exit=false",
        ];
        const agent = await times(() => startOnce(agentArgs.slice(0, -1), "http://127.0.0.1:19607/readyz"));
        return [
          {
            name: "CLI --version",
            value: version,
            unit: "ms",
            goal: { kind: "at-most", limit: 100, of: "value" },
          },
          { name: "daemon", value: daemon, unit: "ms", goal: { kind: "at-most", limit: 500, of: "value" } },
          { name: "agent", value: agent, unit: "ms", goal: { kind: "at-most", limit: 500, of: "value" } },
        ];
      } finally {
        await stop(keep);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
