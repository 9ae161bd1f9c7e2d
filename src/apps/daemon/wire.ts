// The daemon drawn step by step: store, mirror, writer, watch, routes, loops; and taken down in reverse.
import type { FastifyInstance } from "fastify";
import type { Clock, Rng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../../io/store/store.ts";
import { Adoption } from "./adoption.ts";
import type { DaemonConfig } from "./config.ts";
import type { Daemon } from "./daemon.ts";
import { createDaemonApp } from "./http.ts";
import { applyInitialTopology } from "./initial-topology.ts";
import { startLoops } from "./loops.ts";
import { createMetrics } from "./metrics.ts";
import { Mirror, type MirrorChange } from "./mirror.ts";
import { watchChanges } from "./watch-changes.ts";
import { WatchHub } from "./watch-hub.ts";
import { Writer } from "./writer.ts";

export type DaemonDeps = { readonly clock: Clock; readonly rng: Rng; readonly log: Log };
export type RunningDaemon = {
  readonly app: FastifyInstance;
  readonly daemon: Daemon;
  /** Finishes what is written, ends the watches, closes the store. */
  close(): Promise<void>;
};

/** A daemon on `store` that answers, but does not listen yet. Takes the store over: it is closed with the daemon. */
export async function createDaemon(
  config: DaemonConfig,
  store: Store,
  deps: DaemonDeps,
): Promise<RunningDaemon> {
  const { clock, log } = deps;
  const metrics = createMetrics();
  const health = createHealth(clock);
  const hub = new WatchHub(store.identity.clusterId);
  const watching = health.reporter("store");
  const publish = (change: MirrorChange): void => {
    watching.ok();
    const changes = watchChanges(change.writes);
    if (change.whole) hub.reset(change.revision, changes);
    else hub.publish(change.revision, changes);
  };
  const onError = (reason: string): void => {
    metrics.errors.inc({ loop: "mirror" });
    watching.failed(reason);
  };
  const mirror = new Mirror({ store, ...deps, onChange: publish, onError });
  await mirror.start();
  const writer = new Writer({ store, mirror, clock, metrics });
  const adoption = new Adoption({
    ...store.identity,
    newCluster: config.newCluster,
    now: clock.monotonic(),
    window: config.adoptionWindow,
  });
  // An embedded store has this one daemon: nobody to race with for a block, so the search starts at the first.
  const offsetSeed = 0;
  const unadopted: Daemon["unadopted"] = new Map();
  const daemon = { store, mirror, writer, hub, adoption, metrics, health, clock, log, offsetSeed, unadopted };
  await applyInitialTopology(daemon, config);
  const app = await createDaemonApp(daemon);
  const loops = startLoops(daemon, deps);
  return {
    app,
    daemon,
    async close() {
      hub.close();
      await app.close();
      await Promise.all(loops.map((loop) => loop.close()));
      await writer.close();
      await mirror.close();
      await store.close();
    },
  };
}
