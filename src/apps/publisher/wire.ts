// The publisher, wired step by step.
import { hostname as machineName } from "node:os";
import { Milliseconds, Seconds, systemClock, systemRng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { createMirror } from "../../core/desired/mirror.ts";
import { createBirdConfiguration } from "../../io/bird/bird-configuration.ts";
import { createBirdControl } from "../../io/bird/bird-control.ts";
import { parseDaemons } from "../../io/daemon/access.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";
import { followDaemon } from "../../io/daemon/follow-daemon.ts";
import { createTransport } from "../../io/daemon/transport.ts";
import { metricsAddress } from "../../io/http/health-options.ts";
import { serveHealth } from "../../io/http/serve-health.ts";
import type { PublisherConfig } from "./config.ts";
import { followOnce } from "./follow.ts";
import { createMetrics } from "./metrics.ts";
import { createPublisher } from "./publish.ts";
import { startPublishLoop } from "./publish-loop.ts";

export interface RunningPublisher {
  /** Stops; what is announced stays so. */
  close(): Promise<void>;
}

// long: wiring
/** UnavailableError `LISTEN`; InputError of the options' files. */
export async function startPublisher(config: PublisherConfig, log: Log): Promise<RunningPublisher> {
  const deps = { clock: systemClock, rng: systemRng, log };
  const hostname = config.hostname || machineName();
  const metrics = createMetrics();
  const health = createHealth(systemClock);
  const mirror = createMirror();
  const control = createBirdControl(config.birdSocket);
  const configuration = createBirdConfiguration(config.birdConfig, config.birdProgram);
  const loop = startPublishLoop({
    ...{ ...deps, mirror, hostname, metrics, control, look: config.look },
    publisher: createPublisher({ configuration, control }),
    // The loop alone looks every `look`.
    health: health.reporter("bird", Milliseconds(3 * config.look + Seconds(30))),
  });

  const client = createDaemonClient(parseDaemons(config.daemon), createTransport({ access: config }, log));
  const reporter = health.reporter("daemon", Seconds(60));
  const following = followDaemon({
    ...{ ...deps, client, hostname, health: reporter },
    follow(replica, heard, signal) {
      const take = (isOther: boolean, isBehind: boolean): void => {
        if (isOther) loop.changed();
        metrics.connected.set(1);
        metrics.revision.set(mirror.snapshot.revision);
        if (mirror.synced) reporter.ok();
        heard(isBehind);
      };
      return followOnce(
        { ...deps, mirror, hostname, stateDir: config.stateDir, heard: take },
        replica,
        signal,
      );
    },
    lost() {
      metrics.connected.set(0);
      metrics.failures.inc({ part: "watch" });
    },
  });

  const server =
    metricsAddress(config.metrics) === ""
      ? undefined
      : await serveHealth(config, { health, registry: metrics.registry, log });
  log.info("started", { hostname, configuration: config.birdConfig, socket: config.birdSocket });
  return {
    async close() {
      void server?.close();
      await following.close();
      await loop.close();
      client.close();
    },
  };
}
