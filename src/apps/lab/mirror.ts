// The daemon's watch as a Snapshot, for the routers: connects, follows, connects again. Never publishes before `synced`.
import { type Clock, Milliseconds, type Rng } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { startRunner } from "../../base/runner.ts";
import { createMirror, type Mirror } from "../../core/desired/mirror.ts";
import type { Snapshot } from "../../core/model/snapshot.ts";
import type { DaemonAccess } from "../../io/daemon/access.ts";
import { createTransport, type Transport } from "../../io/daemon/transport.ts";
import { watchDaemon } from "../../io/daemon/watch-daemon.ts";

export type MirrorDeps = {
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Called with the world after `synced` and after every change since. */
  readonly publish: (snapshot: Snapshot) => void;
};

/** Follows the daemon at `url` for ever. */
export function startMirror(url: URL, access: DaemonAccess, deps: MirrorDeps): { close(): Promise<void> } {
  const mirror = createMirror();
  const transport = createTransport({ access });
  return startRunner(
    (signal) => follow(transport, url, mirror, signal, deps),
    {
      every: Milliseconds(100),
      backoff: { first: Milliseconds(50), most: Milliseconds(500) },
      onError: (error, attempt) => {
        if (attempt === 0) deps.log.warn("watch ended, trying again", { error: String(error) });
      },
    },
    deps,
  );
}

/** One connection, to its end. */
async function follow(
  transport: Transport,
  url: URL,
  mirror: Mirror,
  signal: AbortSignal,
  { publish }: MirrorDeps,
): Promise<void> {
  for await (const lines of watchDaemon(transport, url, { from: mirror.seen }, signal)) {
    let isChanged = false;
    for (const line of lines) isChanged = mirror.apply(line) || isChanged;
    if (mirror.synced && isChanged) publish(mirror.snapshot);
  }
}
