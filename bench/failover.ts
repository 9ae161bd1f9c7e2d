// How long an agent hears nothing when its replica of the daemon dies or is paused: from the signal until it shows what was written through the
// other replica right after it. Two daemons on one etcd, real processes; the agent's following is that of the program.
import { Bed, stop } from "../test/support/bed.ts";
import { startEtcd } from "../test/support/etcd.ts";
import { eventually } from "../test/support/eventually.ts";
import { createFakeEndpoints } from "../test/support/fake-endpoints.ts";
import { startFollowing } from "../src/apps/agent/following.ts";
import { createMetrics } from "../src/apps/agent/metrics.ts";
import { createScopedWatch } from "../src/apps/agent/scoped-watch.ts";
import { Seconds, systemClock, systemRng } from "../src/base/clock.ts";
import { createHealth } from "../src/base/health.ts";
import { silentLog } from "../src/base/log.ts";
import { createMirror } from "../src/core/desired/mirror.ts";
import { createDaemonClient } from "../src/io/daemon/daemon-client.ts";
import type { Bench, Figure } from "./figure.ts";

const TIMES = 20;
const URLS = ["http://127.0.0.1:19611", "http://127.0.0.1:19612"].map((text) => new URL(text));

export const failoverBench: Bench = {
  name: "failover",
  about: "an agent goes on at another replica of the daemon",
  run,
};

async function run(): Promise<Figure[]> {
  const etcd = await startEtcd();
  const bed = new Bed("source");
  const start = async (url: URL) => {
    const child = bed.romana(`daemon-${url.port}`, [
      ...["daemon", "--listen", url.host, "--store", `etcd:${etcd.urls.join()}`],
      ...["--adoption-window", "0", "--new-cluster"],
    ]);
    await eventually(() => fetch(new URL("/healthz", url)), { within: 20_000 });
    return child;
  };
  const children = new Map<URL, Awaited<ReturnType<typeof start>>>();
  for (const url of URLS) children.set(url, await start(url));
  const agent = startAgent(bed.dir);
  try {
    const figures: Figure[] = [];
    for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
      const times: number[] = [];
      for (let i = 0; i < TIMES; i++) {
        const victim = agent.client.replicas.current;
        const child = children.get(victim);
        const other = URLS.find((url) => url !== victim);
        if (!child || !other) throw new Error("the agent follows nobody");
        // As in life: it has been followed for a while.
        await systemClock.sleep(Seconds(1.5));
        const begun = performance.now();
        child.kill(signal);
        await agent.hears(other, `${signal.toLowerCase()}-${i}`);
        times.push(performance.now() - begun);
        if (signal === "SIGSTOP") child.kill("SIGCONT");
        else {
          await stop(child);
          children.set(victim, await start(victim));
        }
      }
      figures.push(...figuresOf(signal === "SIGKILL" ? "killed" : "paused", times));
    }
    return figures;
  } finally {
    await agent.close();
    await bed.dispose();
    await etcd.dispose();
  }
}

function startAgent(stateDir: string) {
  const client = createDaemonClient(URLS);
  const mirror = createMirror();
  const following = startFollowing({
    ...{ client, mirror, stateDir, clock: systemClock, rng: systemRng, log: silentLog, hostname: "node-1" },
    ...{ endpoints: createFakeEndpoints(), metrics: createMetrics(), reportInterval: Seconds(60) },
    health: createHealth(systemClock).reporter("daemon"),
    watch: createScopedWatch({ mirror, scope: () => undefined, policy: undefined }),
    registration: () => undefined,
    changed: () => undefined,
    policyChanged: () => undefined,
  });
  let hosts = 0;
  return {
    client,
    /** Until the mirror shows a host that was made through the daemon at `url`. */
    async hears(url: URL, name: string): Promise<void> {
      const body = JSON.stringify({ name, ip: `10.9.0.${++hosts}` });
      const headers = { "content-type": "application/json" };
      const reply = await fetch(new URL("/hosts", url), { method: "POST", body, headers });
      if (!reply.ok) throw new Error(await reply.text());
      const look = (): void => {
        if (!mirror.snapshot.hosts.has(name)) throw new Error(`${name} is not known`);
      };
      await eventually(look, { within: 30_000, every: 5 });
    },
    async close(): Promise<void> {
      await following.close();
      client.close();
    },
  };
}

function figuresOf(how: string, times: readonly number[]): Figure[] {
  const sorted = times.toSorted((a, b) => a - b);
  const [median = 0, most = 0] = [sorted[sorted.length >> 1], sorted.at(-1)];
  return [
    { name: `daemon ${how}: median until the agent goes on`, value: median, unit: "ms" },
    {
      ...{ name: `daemon ${how}: longest until the agent goes on`, value: most, unit: "ms" },
      goal: { kind: "at-most", limit: 2000, of: "value" },
      note: `${times.length} times`,
    },
  ];
}
