// The listener drawn step by step: what Kubernetes says, mirrored; what the daemon is told.
import { Milliseconds, Seconds, systemClock, systemRng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { startRunner } from "../../base/runner.ts";
import { parseDaemons } from "../../io/daemon/access.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";
import { createTransport } from "../../io/daemon/transport.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import { metricsAddress } from "../../io/http/health-options.ts";
import { serveHealth } from "../../io/http/serve-health.ts";
import { openKubeAccess } from "../../io/kube/kube-access.ts";
import { createKubeClient } from "../../io/kube/kube-client.ts";
import { startReflector } from "../../io/kube/reflector.ts";
import type { ListenerConfig } from "./config.ts";
import { createMetrics } from "./metrics.ts";
import { readNode } from "./read-node.ts";
import { syncHosts } from "./sync-hosts.ts";
import { createTeller } from "./tell-faults.ts";

export interface Listener {
  /** Stops; what the daemon was told stays. */
  close(): Promise<void>;
}

const BACKOFF = { first: Milliseconds(250), most: Seconds(10) };
/** Of a row of failures, each of these is logged. */
const LOG_EVERY = 10;

type Env = Readonly<Record<string, string | undefined>>;

// long: wiring
/** InputError of the options' files; UnavailableError `LISTEN`. */
export async function startListener(
  config: ListenerConfig,
  { env, log }: { readonly env: Env; readonly log: Log },
): Promise<Listener> {
  const deps = { clock: systemClock, rng: systemRng, log };
  const metrics = createMetrics();
  const health = createHealth(systemClock);
  const client = createKubeClient(openKubeAccess({ ...config, env, log, parse: parseDocument }));
  const daemon = createDaemonClient(parseDaemons(config.daemon), createTransport({ access: config }, log));
  let poke = (): void => undefined;
  const nodes = startReflector(
    { path: "/api/v1/nodes", read: readNode, changed: () => poke() },
    { ...deps, client, health: health.reporter("nodes") },
  );
  const tell = createTeller(log);
  const reporter = health.reporter("hosts");
  const pass = async (): Promise<void> => {
    if (nodes.synced) tell(await syncHosts(nodes.items, { daemon, metrics }));
    if (nodes.synced) reporter.ok();
  };
  const onError = (error: unknown, attempt: number): void => {
    metrics.failures.inc({ part: "hosts" });
    reporter.failed(String(error));
    if (attempt % LOG_EVERY === 0) log.warn("the daemon was not told of all nodes", { error: String(error) });
  };
  const loop = startRunner(pass, { every: config.resync, backoff: BACKOFF, onError }, deps);
  poke = () => loop.poke();
  const server =
    metricsAddress(config.metrics) === ""
      ? undefined
      : await serveHealth(config, { health, registry: metrics.registry, log });
  log.info("ready", { kubernetes: client.namespace });
  return {
    async close() {
      server?.close();
      await Promise.all([nodes.close(), loop.close()]);
      client.close();
      daemon.close();
    },
  };
}
