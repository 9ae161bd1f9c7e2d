// The agent, wired step by step.
import { hostname as machineName } from "node:os";
import { join } from "node:path";
import { Milliseconds, Seconds, systemClock, systemRng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import { formatIp } from "../../core/net/ip.ts";
import { createMirror } from "../../core/desired/mirror.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import { createCommands } from "./cni/commands.ts";
import { createLinkRemover } from "./cni/remove-links.ts";
import { startCniServer } from "./cni/server.ts";
import { type AgentConfig, parseDaemons, parseTags } from "./config.ts";
import { type Endpoints, openEndpoints } from "./endpoints.ts";
import { followOnce } from "./follow.ts";
import { serveHealth } from "./http.ts";
import { createMetrics } from "./metrics.ts";
import { nodeIps, nodeLink, type Observation } from "./observe.ts";
import { overlapFault } from "./overlap.ts";
import { createReconciler, type Reconciler } from "./reconcile.ts";
import { enableForwarding } from "./sysctls.ts";

export interface Agent {
  /** Rejects when a part died that the agent cannot be without. */
  readonly failed: Promise<never>;
  /** Stops; routes, rules and pods stay as they are. */
  close(): Promise<void>;
}

const BACKOFF = { first: Milliseconds(50), most: Seconds(2) };

// long: wiring, from the kernel up
export async function startAgent(config: AgentConfig, log: Log): Promise<Agent> {
  const deps = { clock: systemClock, rng: systemRng };
  const hostname = config.hostname || machineName();
  const tags = parseTags(config.tags);
  const client = createDaemonClient(parseDaemons(config.daemon));
  const metrics = createMetrics();
  const health = createHealth(systemClock);
  const [routesHealth, watchHealth] = [health.reporter("routes"), health.reporter("daemon")];

  const helper = await startNativeHelper({ log });
  const kernel = await helper.kernel();
  await enableForwarding();

  const mirror = createMirror();
  let poke = (): void => undefined;
  const endpoints = await openEndpoints(join(config.stateDir, "endpoints"), {
    log,
    changed: () => {
      poke();
    },
  });
  const reconciler = createReconciler(
    { hostname, table: config.routeTableId, multihop: config.multihopBlocks },
    { kernel, mirror, endpoints, log },
  );
  const first = await reconciler.observation();
  const link = nodeLink(first, config.linkName);
  const mtu = config.mtu || link.mtu;
  leaveGone(first, endpoints);

  const synced = startRunner(
    async () => {
      const start = systemClock.monotonic();
      const { changes, failed, routes } = await reconciler.sync();
      metrics.sync.observe((systemClock.monotonic() - start) / 1000);
      for (const { kind } of changes) metrics.changes.inc({ change: kind });
      metrics.routes.set(routes);
      metrics.endpoints.set(endpoints.alive().length);
      if (failed > 0) metrics.failures.inc({ part: "kernel" }, failed);
      const fault =
        failed > 0
          ? `${failed} changes refused by the kernel`
          : overlapFault(mirror.snapshot, config.serviceClusterIpRange);
      if (fault === undefined && mirror.synced) routesHealth.ok();
      else routesHealth.failed(fault ?? "waiting for the daemon");
      if (changes.length > 0)
        log.info("synced", { changes: changes.length, failed, routes, revision: mirror.snapshot.revision });
    },
    {
      backoff: BACKOFF,
      onError: (error) => {
        metrics.failures.inc({ part: "sync" });
        reconciler.forget();
        routesHealth.failed(String(error));
        log.warn("sync failed", { error: String(error) });
      },
    },
    deps,
  );
  poke = () => {
    synced.poke();
  };
  const resync = resyncEvery(config, reconciler, poke);

  const stop = new AbortController();
  const listening = listenToKernel(kernel, { reconciler, endpoints, poke, signal: stop.signal });
  const registration = config.register
    ? { name: hostname, ips: nodeIps(first, link).map(formatIp), agent_port: config.metrics, tags }
    : undefined;
  const connected = (open: boolean): void => {
    metrics.connected.set(open ? 1 : 0);
    if (open) watchHealth.ok();
    else watchHealth.failed("not connected");
  };
  const follow = startRunner(
    (signal) =>
      followOnce(
        {
          client,
          mirror,
          endpoints,
          metrics,
          log,
          registration,
          hostname,
          stateDir: config.stateDir,
          changed: poke,
          connected,
        },
        signal,
      ),
    {
      backoff: BACKOFF,
      onError: (error, attempt) => {
        metrics.failures.inc({ part: "watch" });
        if (attempt % 10 === 0)
          log.warn("the daemon does not answer; the kernel stays as it is", {
            url: client.url.origin,
            error: String(error),
          });
      },
    },
    deps,
  );
  // A line of its own: an ADD waits for no bulk of routes.
  const cniKernel = await helper.kernel();
  const commands = createCommands({
    ...{ daemon: client, endpoints, helper, host: cniKernel, links: createLinkRemover(cniKernel) },
    ...{ rng: systemRng, hostname, table: config.routeTableId },
    mtu: () => mtu,
    notReady: () => notReadyReason(health.state().parts),
  });
  const cni = await startCniServer(config.cniSocket, {
    run: commands,
    clock: systemClock,
    log,
    observe: (command, ok, seconds) => {
      metrics.cniRequests.inc({ command, outcome: ok ? "done" : "failed" });
      metrics.cni.observe({ command }, seconds);
    },
  });
  const http =
    config.metrics === 0
      ? undefined
      : await serveHealth(config.metrics, { health, registry: metrics.registry });
  log.info("ready", {
    hostname,
    link: link.name,
    mtu,
    table: config.routeTableId,
    endpoints: endpoints.list().length,
  });

  return {
    failed: listening,
    async close() {
      stop.abort();
      http?.close();
      await Promise.all([cni.close(), follow.close(), resync.close()]);
      await synced.close();
      client.close();
      await helper.close();
    },
  };
}

/** Everything is observed again now and then, whatever was or was not told. */
function resyncEvery({ resync }: AgentConfig, reconciler: Reconciler, poke: () => void): Runner {
  const work = async (): Promise<void> => {
    reconciler.forget();
    poke();
  };
  return startRunner(
    work,
    { every: resync, backoff: BACKOFF, onError: () => undefined },
    { clock: systemClock, rng: systemRng },
  );
}

type Listening = {
  readonly reconciler: Reconciler;
  readonly endpoints: Endpoints;
  readonly poke: () => void;
  readonly signal: AbortSignal;
};

/** Rejects with the kernel's socket; never resolves. */
async function listenToKernel(
  kernel: Kernel,
  { reconciler, endpoints, poke, signal }: Listening,
): Promise<never> {
  for await (const notification of kernel.notifications(signal)) {
    if (notification.kind === "link" && notification.deleted)
      for (const { name, hostInterface } of endpoints.alive())
        if (hostInterface === notification.link.name) endpoints.leave(name);
    if (!reconciler.concerns(notification)) continue;
    reconciler.forget();
    poke();
  }
  return new Promise<never>(() => undefined);
}

/** After a reboot the pods' interfaces are gone, but their records are here until the runtime says DEL. */
function leaveGone({ links }: Observation, endpoints: Endpoints): void {
  const there = new Set(links.map(({ name }) => name));
  for (const { name, hostInterface } of endpoints.list())
    if (!there.has(hostInterface)) endpoints.leave(name);
}

function notReadyReason(parts: Readonly<Record<string, string>>): string | undefined {
  const bad = Object.entries(parts).filter(([, state]) => state !== "ok");
  return bad.length === 0 ? undefined : bad.map(([part, reason]) => `${part}: ${reason}`).join("; ");
}
