// The listener drawn step by step: what Kubernetes says, mirrored; what the leader keeps true at the daemon and in Kubernetes.
import { hostname } from "node:os";
import { allOf } from "../../base/all-of.ts";
import { systemClock, systemRng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { parseDaemons } from "../../io/daemon/access.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";
import { createTransport } from "../../io/daemon/transport.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import { metricsAddress } from "../../io/http/health-options.ts";
import { serveHealth } from "../../io/http/serve-health.ts";
import { openKubeAccess } from "../../io/kube/kube-access.ts";
import { createKubeClient } from "../../io/kube/kube-client.ts";
import { type Reflector, type ReflectorOptions, startReflector } from "../../io/kube/reflector.ts";
import type { ListenerConfig } from "./config.ts";
import type { NodeFault } from "./desired-hosts.ts";
import { startDuty } from "./duty.ts";
import { startLeader } from "./leader.ts";
import { createMetrics } from "./metrics.ts";
import { clearNetworkUnavailable, toClear } from "./network-status.ts";
import { AGENT_SELECTOR, type AgentView, readAgent } from "./read-agent.ts";
import { type NodeView, readNode } from "./read-node.ts";
import { syncHosts } from "./sync-hosts.ts";
import { createTeller, type ObjectFault } from "./tell-events.ts";

export interface Listener {
  /** Stops; what the daemon was told stays. */
  close(): Promise<void>;
}

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
  const identity = `${hostname()}-${Math.floor(systemRng() * 2 ** 32).toString(16)}`;
  let poke = (): void => undefined;
  const changed = (): void => poke();

  const reflect = <T>(part: string, options: Omit<ReflectorOptions<T>, "changed">): Reflector<T> =>
    startReflector({ ...options, changed }, { ...deps, client, health: health.reporter(part) });
  const nodes = reflect<NodeView>("nodes", { path: "/api/v1/nodes", read: readNode });
  const agents = reflect<AgentView>("agents", {
    path: `/api/v1/namespaces/${client.namespace}/pods`,
    query: { labelSelector: AGENT_SELECTOR },
    read: readAgent,
  });

  const leader = startLeader(identity, changed, { ...deps, client, health: health.reporter("leader") });
  const duties = { ...deps, leader, metrics, health, every: config.resync };
  const tell = createTeller({ ...deps, client, identity });
  const hosts = {
    isKnown: () => nodes.synced,
    work: async () => tell((await syncHosts(nodes.items, { daemon, metrics })).map(nodeFault)),
  };
  const status = {
    isKnown: () => nodes.synced && agents.synced,
    work: async () => {
      const cleared = toClear(nodes.items.values(), agents.items.values());
      await allOf(cleared, (node) => clearNetworkUnavailable(node, { ...deps, client }));
    },
  };
  const running = [startDuty("hosts", hosts, duties), startDuty("status", status, duties)];
  poke = () => {
    for (const duty of running) duty.poke();
  };
  const server =
    metricsAddress(config.metrics) === ""
      ? undefined
      : await serveHealth(config, { health, registry: metrics.registry, log });
  log.info("started", { identity, namespace: client.namespace });
  return {
    async close() {
      server?.close();
      await Promise.all([nodes.close(), agents.close(), ...running.map((duty) => duty.close())]);
      await leader.close();
      client.close();
      daemon.close();
    },
  };
}

const nodeFault = ({ node, ...fault }: NodeFault): ObjectFault => ({
  object: { apiVersion: "v1", kind: "Node", namespace: "", name: node },
  ...fault,
});
