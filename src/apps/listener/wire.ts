// The listener drawn step by step: what Kubernetes says, mirrored; what the leader keeps true at the daemon and in Kubernetes.
import { hostname } from "node:os";
import { allOf } from "../../base/all-of.ts";
import { Seconds, systemClock, systemRng } from "../../base/clock.ts";
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
import { startReflector } from "../../io/kube/reflector.ts";
import type { ListenerConfig } from "./config.ts";
import type { NodeFault } from "./desired-hosts.ts";
import { startDuty } from "./duty.ts";
import { startLeader } from "./leader.ts";
import { createLostPolicies } from "./lost-policies.ts";
import { createMetrics } from "./metrics.ts";
import { networkFaults } from "./network-faults.ts";
import { clearNetworkUnavailable, toClear } from "./network-status.ts";
import { PolicyFaults } from "./policy-faults.ts";
import { AGENT_SELECTOR, type AgentView, readAgent } from "./read-agent.ts";
import { type NodeView, readNode } from "./read-node.ts";
import { readPod } from "./read-pod.ts";
import { readNamespace, readPolicy } from "./read-policy.ts";
import { startTelling } from "./start-telling.ts";
import { syncHosts } from "./sync-hosts.ts";
import { createTeller, type ObjectFault } from "./tell-events.ts";
import { podTelling, policyTelling, tenantTelling } from "./tellings.ts";

export interface Listener {
  /** Stops; what the daemon was told stays. */
  close(): Promise<void>;
}

/** New pods wait while policies are lost. */
const LOOK_EVERY = Seconds(5);

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

  // Runs later than all below: its first request has to come back.
  const began = (): void => {
    for (const duty of [hosts, status, networks, lost]) duty.poke();
    for (const kind of told) kind.began();
  };
  const leader = startLeader(identity, began, { ...deps, client, health: health.reporter("leader") });
  const duties = { ...deps, client, leader, metrics, health, every: config.resync };
  const teller = (): ReturnType<typeof createTeller> => createTeller({ ...deps, client, identity });

  const tellOfNodes = teller();
  const changed = (): void => {
    for (const duty of [hosts, status]) duty.poke();
  };
  const nodes = startReflector<NodeView>(
    { path: "/api/v1/nodes", read: readNode, changed },
    { ...deps, client, health: health.reporter("nodes") },
  );
  const agents = startReflector<AgentView>(
    {
      path: `/api/v1/namespaces/${client.namespace}/pods`,
      query: { labelSelector: AGENT_SELECTOR },
      ...{ read: readAgent, changed },
    },
    { ...deps, client, health: health.reporter("agents") },
  );
  const syncNodes = async (): Promise<void> =>
    tellOfNodes((await syncHosts(nodes.items, { daemon, metrics })).map(nodeFault));
  const hosts = startDuty("hosts", { isKnown: () => nodes.synced, work: syncNodes }, duties);
  const clear = async (): Promise<void> => {
    const cleared = toClear(nodes.items.values(), agents.items.values());
    await allOf(cleared, (node) => clearNetworkUnavailable(node, { ...deps, client }));
  };
  const tellOfNetworks = teller();
  const lookAtNetworks = async (): Promise<void> =>
    tellOfNetworks(networkFaults(await daemon.hosts(), await daemon.usage()).map(nodeFault));
  const networks = startDuty("networks", { isKnown: () => true, work: lookAtNetworks }, duties);
  const status = startDuty("status", { isKnown: () => nodes.synced && agents.synced, work: clear }, duties);

  const faults = new PolicyFaults();
  const tellOfPolicies = teller();
  const policies = {
    ...policyTelling(daemon, faults),
    then: (items: Parameters<PolicyFaults["present"]>[0]) => tellOfPolicies(faults.present(items)),
  };
  const told = [
    startTelling(
      "namespaces",
      { path: "/api/v1/namespaces", read: readNamespace },
      tenantTelling(daemon),
      duties,
    ),
    startTelling("pods", { path: "/api/v1/pods", read: readPod }, podTelling(daemon), duties),
    startTelling(
      "policies",
      { path: "/apis/networking.k8s.io/v1/networkpolicies", read: readPolicy },
      policies,
      duties,
    ),
  ];
  const lost = startDuty(
    "lost policies",
    { isKnown: () => true, work: createLostPolicies(told, daemon) },
    { ...duties, every: LOOK_EVERY },
  );

  const server =
    metricsAddress(config.metrics) === ""
      ? undefined
      : await serveHealth(config, { health, registry: metrics.registry, log });
  log.info("started", { identity, namespace: client.namespace });
  return {
    async close() {
      server?.close();
      await Promise.all([nodes, agents, hosts, status, networks, lost, ...told].map((part) => part.close()));
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
