// `romana lab controller`: the lab's process beside the daemon. Follows the watch for all routers of the lab, and relays the REST
// API to the lab's directory. Never changes a namespace that is not one of its routers.
import { join } from "node:path";
import { type Clock, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { startRunner } from "../../base/runner.ts";
import type { Snapshot } from "../../core/model/snapshot.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import { netnsPath } from "./fabric.ts";
import { DAEMON_PORT } from "./lab-processes.ts";
import { accessOf, daemonUrl } from "./lab-tls.ts";
import { startMirror } from "./mirror.ts";
import { namespaceOf } from "./namespaces.ts";
import { startRelay } from "./relay.ts";
import { syncRouter } from "./routers.ts";
import { API_SOCKET, loadState, type RouterState } from "./state.ts";

export type ControllerDeps = {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly signal: AbortSignal;
};

/** Runs until `signal`. */
export async function runController(directory: string, { signal, ...deps }: ControllerDeps): Promise<void> {
  const state = await loadState(directory);
  const helper = await startNativeHelper({ log: deps.log });
  const routers: { router: RouterState; kernel: Kernel }[] = [];
  for (const router of state.routers)
    routers.push({
      router,
      kernel: await helper.kernel(netnsPath(namespaceOf(state.id, router.name))),
    });
  let snapshot: Snapshot | undefined;
  const loop = startRunner(
    async () => {
      const world = snapshot;
      if (world)
        for (const { router, kernel } of routers)
          await syncRouter(kernel, router, { hosts: state.hosts, world, log: deps.log });
    },
    {
      // What somebody deletes by hand in a router comes back with the next round.
      every: Seconds(1),
      backoff: { first: Milliseconds(50), most: Seconds(1) },
      onError: (error) => deps.log.warn("routers not in step", { error: String(error) }),
    },
    deps,
  );
  const publish = (world: Snapshot): void => {
    snapshot = world;
    loop.poke();
  };
  const mirror = startMirror(daemonUrl(state, "127.0.0.1", DAEMON_PORT), accessOf(state), {
    ...deps,
    publish,
  });
  const relay = await startRelay(join(directory, API_SOCKET), DAEMON_PORT);
  await aborted(signal);
  await Promise.all([mirror.close(), loop.close(), relay.close()]);
  await helper.close();
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
