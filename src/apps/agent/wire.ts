// The agent, wired step by step.
import { hostname as machineName } from "node:os";
import { Milliseconds, Seconds, systemClock, systemRng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import { createKeyedLock } from "../../base/lock.ts";
import type { Log } from "../../base/log.ts";
import type { HostRequest } from "../../core/api/types.ts";
import { createMirror, type Mirror } from "../../core/desired/mirror.ts";
import { formatIp } from "../../core/net/ip.ts";
import { parseDaemons } from "../../io/daemon/access.ts";
import { createDaemonClient, type DaemonClient } from "../../io/daemon/daemon-client.ts";
import { createTransport } from "../../io/daemon/transport.ts";
import { metricsAddress } from "../../io/http/health-options.ts";
import { serveHealth } from "../../io/http/serve-health.ts";
import type { Kernel, NativeHelper } from "../../io/kernel/kernel.ts";
import type { Nftables } from "../../io/kernel/nftables.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import { createCommands } from "./cni/commands.ts";
import { namesInHand } from "./cni/in-hand.ts";
import { keepPlugin } from "./cni/keep-plugin.ts";
import { createLinkRemover } from "./cni/remove-links.ts";
import { type AgentConfig, parseServiceRange, parseTags } from "./config.ts";
import { startCniServer } from "./cni/server.ts";
import { type Endpoints, endpointsFolder, openEndpoints } from "./endpoints.ts";
import { countDenials } from "./filter/count-denials.ts";
import { startDenyLog } from "./filter/deny-log.ts";
import { startFilterLoop } from "./filter/filter-loop.ts";
import { createMasquerade } from "./filter/nat.ts";
import { createPacketFilter, type PacketFilter } from "./filter/packet-filter.ts";
import { createShare, type Share } from "./filter/share.ts";
import { startFollowing } from "./following.ts";
import { listen, startHealer } from "./heal.ts";
import { createMetrics } from "./metrics.ts";
import { findNodeLink, type NodeLink, nodeLink, type Observation, subnetsOf } from "./observe.ts";
import { openPods } from "./pods/open-pods.ts";
import { createReconciler, type Reconciler } from "./reconcile.ts";
import { openSandboxes } from "./sandboxes/open-sandboxes.ts";
import { createScopedWatch } from "./scoped-watch.ts";
import { silence, startSyncLoop } from "./sync-loop.ts";

/** What the agent works with: the world outside, opened. */
export type Parts = {
  readonly hostname: string;
  readonly client: DaemonClient;
  readonly helper: NativeHelper;
  readonly kernel: Kernel;
  readonly mirror: Mirror;
  readonly endpoints: Endpoints;
  readonly reconciler: Reconciler;
  readonly share: Share;
  readonly filter: PacketFilter;
  readonly nftables: Nftables;
};

type Env = Readonly<Record<string, string | undefined>>;
type Opening = {
  readonly log: Log;
  readonly netns: string | undefined;
  /** Endpoints came or went. */
  readonly changed: () => void;
  readonly opened: Closing[];
};

export async function openParts(config: AgentConfig, opening: Opening): Promise<Parts> {
  const { log, netns, changed, opened } = opening;
  const client = createDaemonClient(parseDaemons(config.daemon), createTransport({ access: config }, log));
  opened.push(() => client.close());
  const endpoints = await openEndpoints(endpointsFolder(config.stateDir), { log, changed });
  const helper = await startNativeHelper({ log });
  opened.push(() => helper.close());
  const kernel = await helper.kernel(netns);
  const mirror = createMirror();
  const hostname = config.hostname || machineName();
  const options = { hostname, table: config.routeTableId, multihop: config.multihopBlocks };
  const reconciler = createReconciler(options, { kernel, mirror, endpoints });
  const nftables = await helper.nftables(netns);
  opened.push(() => nftables.close());
  const share = createShare(config.policy, { mirror, clock: systemClock });
  const filter = createPacketFilter(config, {
    ...{ nftables, endpoints, share },
    masquerade: createMasquerade(config, { mirror }),
    families: () => mirror.snapshot.topology.networks.map(({ cidr }) => cidr.ip.family),
  });
  return { hostname, client, helper, kernel, mirror, endpoints, reconciler, share, filter, nftables };
}

/** What `POST /hosts` is told of this node. */
export const registrationOf = (config: AgentConfig, hostname: string, { ips }: NodeLink): HostRequest => ({
  name: hostname,
  ips: ips.map(formatIp),
  agent_port: Number(/\d+$/.exec(config.metrics)?.[0] ?? 0),
  tags: parseTags(config.tags),
});

export interface Agent {
  /** Rejects when a part died that the agent cannot be without. */
  readonly failed: Promise<never>;
  /** Stops; routes, rules and pods stay as they are. */
  close(): Promise<void>;
}

/** `netns`: the namespace to work on, as `/run/netns/x`; the own one where absent. */
export async function startAgent(
  config: AgentConfig,
  { log, netns, env = {} }: { log: Log; netns?: string; env?: Env },
): Promise<Agent> {
  const opened: Closing[] = [];
  try {
    const { failed } = await openAgent(config, log, netns, env, opened);
    return { failed, close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

export type Closing = () => void | Promise<void>;

/** In reverse order: who uses another ends before it. */
export async function closeAll(opened: readonly Closing[]): Promise<void> {
  for (const close of opened.toReversed()) await close();
}

// long: wiring, from the kernel up
async function openAgent(
  config: AgentConfig,
  log: Log,
  netns: string | undefined,
  env: Env,
  opened: Closing[],
): Promise<Pick<Agent, "failed">> {
  const deps = { log, clock: systemClock, rng: systemRng };
  const metrics = createMetrics();
  const health = createHealth(systemClock);
  let poke = (): void => undefined;
  const changed = (): void => {
    poke();
  };
  const endpointsChanged = soonOnce(changed);
  const parts = await openParts(config, { log, netns, changed: endpointsChanged, opened });
  const { hostname, client, helper, kernel, mirror, endpoints, reconciler, share, filter, nftables } = parts;

  // Listening before the first look: nothing that happens in between is missed.
  const stop = new AbortController();
  opened.push(() => stop.abort());
  const notifications = await kernel.notifications(stop.signal);
  const healing = { ...deps, reconciler, endpoints, metrics, poke: changed };
  const healer = startHealer(config.resync, healing);
  opened.push(() => healer.close());
  const failed = listen(notifications, healing, healer).then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined); // `Agent.failed` tells it

  let here = await reconciler.observation();
  let link = nodeLink(here, config.linkName);
  // Hosts beyond a gateway are routed to as well with `--multihop-blocks`: such a node needs to hear of all.
  const scope = () =>
    config.multihopBlocks
      ? undefined
      : { host: hostname, subnets: subnetsOf(here).map((each) => each.prefix) };
  const watch = createScopedWatch({ mirror, scope, policy: config.policy ? hostname : undefined });
  const synced = (now: Observation): void => {
    here = now;
    link = findNodeLink(now, config.linkName) ?? link;
    watch.look();
  };
  const loop = startSyncLoop(
    {
      ...deps,
      reconciler,
      mirror,
      endpoints,
      metrics,
      health: health.reporter("routes", silence(config.resync)),
      services: parseServiceRange(config.serviceClusterIpRange),
    },
    synced,
  );
  opened.push(() => loop.close());
  const filterLoop = await startFilterLoop(config.resync, {
    ...{ ...deps, filter, nftables, share, metrics },
    health: health.reporter("filter", silence(config.resync)),
  });
  opened.push(() => filterLoop.close());
  if (config.denyLog) await startDenyLog({ nftables, share, log });
  poke = () => {
    loop.poke();
    filterLoop.poke();
  };

  const turns = createKeyedLock();
  const observation = (): Promise<Observation> => reconciler.observation();
  const follow = startFollowing({
    ...deps,
    reportInterval: config.reportInterval,
    inHand: () => namesInHand({ turns, endpoints, observation, daemon: client, hostname }),
    client,
    mirror,
    watch,
    endpoints,
    hostname,
    stateDir: config.stateDir,
    registration: () => (config.register ? registrationOf(config, hostname, link) : undefined),
    metrics,
    health: health.reporter("daemon", Seconds(60)),
    changed,
    policyChanged: () => {
      if (!share.heard()) filterLoop.poke();
    },
  });
  opened.push(() => follow.close());

  const pods = config.kubernetes
    ? openPods(hostname, { ...config, env }, { ...deps, health: health.reporter(PODS) })
    : undefined;
  if (pods) opened.push(() => pods.close());

  // A line of its own: an ADD waits for no bulk of routes.
  const cniKernel = await helper.kernel(netns);
  const cniDeps = {
    daemon: client,
    endpoints,
    pods,
    helper,
    host: cniKernel,
    hostNetnsFd: await helper.openNetns(netns),
    links: createLinkRemover(cniKernel),
    rng: systemRng,
    hostname,
    table: config.routeTableId,
    share,
    filter,
    mtu: () => config.mtu || link.mtu,
    notReady: () => notReadyReason(health.state().parts),
  };
  const sandboxes = await openSandboxes(config, { ...deps, cni: cniDeps, turns, metrics });
  opened.push(() => sandboxes?.close());
  const cni = await startCniServer(config.cniSocket, {
    run: createCommands(cniDeps, turns),
    clock: systemClock,
    log,
    observe: (command, ok, seconds) => {
      metrics.cniRequests.inc({ command, outcome: ok ? "done" : "failed" });
      metrics.cni.observe({ command }, seconds);
    },
  });
  opened.push(() => cni.close());
  if (config.cniInstall) {
    const isReady = (): boolean => notReadyReason(health.state().parts) === undefined;
    const keeper = keepPlugin(config, { ...deps, isReady, health: health.reporter(PLUGIN) });
    opened.push(() => keeper.close());
  }
  if (metricsAddress(config.metrics) !== "") {
    const http = await serveHealth(config, {
      ...{ health, registry: metrics.registry, log },
      refresh: () => countDenials({ nftables, share, metrics }),
    });
    opened.push(() => void http.close());
  }
  log.info("ready", { hostname, link: link.name, mtu: config.mtu || link.mtu, table: config.routeTableId });
  return { failed };
}

/** An ADD and a DEL do their part in the kernel themselves: they are answered before the loops take it up, and those of a burst at once. */
const ANSWERED_AFTER = Milliseconds(10);

function soonOnce(work: () => void): () => void {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    void systemClock.sleep(ANSWERED_AFTER).then(() => {
      isWaiting = false;
      work();
    });
  };
}

/** Without the first, pods that are known are attached all the same; the second waits for all others. */
const [PODS, PLUGIN] = ["pods", "plugin"];

function notReadyReason(parts: Readonly<Record<string, string>>): string | undefined {
  const bad = Object.entries(parts).filter(
    ([part, state]) => part !== PODS && part !== PLUGIN && state !== "ok",
  );
  return bad.length === 0 ? undefined : bad.map(([part, reason]) => `${part}: ${reason}`).join("; ");
}
