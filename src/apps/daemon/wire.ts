// The daemon drawn step by step: store, mirror, writer, watch, routes, loops; and taken down in reverse.
import { hostname } from "node:os";
import type { FastifyInstance } from "fastify";
import { type Clock, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { hashOf } from "../../base/sha256.ts";
import { within } from "../../base/within.ts";
import { tlsFiles } from "../../io/http/listen-address.ts";
import type { Store } from "../../io/store/store.ts";
import { createIdentify } from "./access/identify.ts";
import { createLimits } from "./access/limits.ts";
import { OpenWatches } from "./access/open-watches.ts";
import type { TokenReviews } from "./access/token-review.ts";
import { Adoption } from "./adoption.ts";
import type { DaemonConfig } from "./config.ts";
import { Currency } from "./currency.ts";
import type { Daemon } from "./daemon.ts";
import { createDaemonApp } from "./routes/http.ts";
import { applyInitialTopology } from "./initial-topology.ts";
import { Leader } from "./leader.ts";
import { startLoops } from "./loops.ts";
import { createMetrics } from "./metrics.ts";
import { Mirror, type MirrorChange } from "./mirror.ts";
import { type Prepared, prepareStore } from "./prepare-store.ts";
import { PolicyShares } from "./watch/policy-shares.ts";
import { beginAdoption, followAdoption } from "./tend-adoption.ts";
import { watchChanges } from "./watch/watch-changes.ts";
import { WatchHub } from "./watch/watch-hub.ts";
import { Writer } from "./writer.ts";

export type DaemonDeps = {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Where tokens of ServiceAccounts are believed. */
  readonly reviews?: TokenReviews | undefined;
};
const ANSWER_WITHIN = Seconds(2);
/** A fraction of what a transaction takes on etcd. */
const GATHER = Milliseconds(1);

export type RunningDaemon = {
  readonly app: FastifyInstance;
  readonly daemon: Daemon;
  /** Rejects when the daemon cannot go on: the store has died, or a bug. */
  readonly ended: Promise<void>;
  /** Finishes what is written, ends the watches, closes the store. */
  close(): Promise<void>;
};

/** A daemon on `store` that answers, but does not listen yet. Takes the store over: it is closed with the daemon, or when this rejects. */
export async function createDaemon(
  config: DaemonConfig,
  store: Store,
  deps: DaemonDeps,
): Promise<RunningDaemon> {
  const prepared = await prepareStore(store, deps.log).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const daemon = assemble(config, store, prepared, deps);
  const { mirror, writer, hub } = daemon;
  const closeBelow = async (): Promise<void> => {
    await writer.close();
    await mirror.close();
    await store.close();
  };
  try {
    await mirror.start();
    await beginAdoption(daemon);
    await applyInitialTopology(daemon, config);
    const identify = createIdentify(config, deps);
    const watches = new OpenWatches(identify);
    const app = await createDaemonApp(daemon, {
      ...{ identify, watches },
      limit: createLimits(config.clientRate, deps.clock),
      tls: tlsFiles(config),
    });
    const loops = startLoops(daemon, watches, deps);
    const close = async (): Promise<void> => {
      hub.close();
      await Promise.all([closeApp(app, deps.clock), loops.close()]);
      await closeBelow();
    };
    return { app, daemon, ended: mirror.ended, close };
  } catch (error) {
    await closeBelow();
    throw error;
  }
}

/** Requests under way are answered; who does not read his answer is cut off. */
async function closeApp(app: FastifyInstance, clock: Clock): Promise<void> {
  const closing = app.close();
  if (await within(clock, ANSWER_WITHIN, closing)) return;
  app.server.closeAllConnections();
  await closing;
}

// long: wiring
function assemble(
  config: DaemonConfig,
  store: Store,
  { cluster, isImported }: Prepared,
  deps: DaemonDeps,
): Daemon {
  const { clock, log } = deps;
  const metrics = createMetrics();
  const health = createHealth(clock);
  const hub = new WatchHub(cluster, {
    of: (host) => shares.of(host),
    forget: (host) => shares.forget(host),
  });
  const { newCluster, adoptionWindow: window } = config;
  const isKnown = window === 0 || (newCluster && store.identity.fresh);
  const adoption = new Adoption({ cluster, isImported, isKnown, window });
  const watching = health.reporter("store");
  const onChange = (change: MirrorChange): void => {
    watching.ok();
    followAdoption({ adoption, clock, log }, change.writes);
    const changes = watchChanges(change.writes);
    const deltas = shares.take(change);
    if (change.whole) hub.reset(change.revision, changes);
    else hub.publish(change.revision, changes, deltas);
  };
  const onError = (reason: string): void => {
    metrics.errors.inc({ loop: "mirror" });
    watching.failed(reason);
  };
  const hearsAddresses = (): boolean => shares.hearsAddresses;
  const mirror = new Mirror({ store, ...deps, onChange, hearsAddresses, onError });
  const shares = new PolicyShares({
    clock,
    state: mirror.state,
    lock: mirror.lock,
    isSettled: () => adoption.knowsPolicies(mirror.state),

    renewed: () => hub.renewShares(),
  });
  const isShared = config.store.startsWith("etcd:");
  const writer = new Writer({ store, mirror, clock, metrics, gather: isShared ? GATHER : Milliseconds(0) });
  // Of all replicas this one, also after it was started again.
  const name = `${hostname()} ${config.listen}`;
  const leader = new Leader({ store, writer, clock, log, holder: name });
  // An embedded store has this one daemon: nobody to race with for a block, so the search starts at the first.
  const offsetSeed = isShared ? hashOf(name) : 0;
  const unadopted: Daemon["unadopted"] = new Map();
  return {
    store,
    cluster,
    mirror,
    writer,
    hub,
    shares,
    adoption,
    leader,
    currency: new Currency({ store, mirror, clock }),
    metrics,
    health,
    clock,
    log,
    offsetSeed,
    unadopted,
    hostQuarantine: config.hostQuarantine,
    leakGrace: config.leakGrace,
  };
}
