// A process beside the control plane that stands for the routers' routing daemons: follows Romana's watch and keeps the routes of
// the racks' routers. `node routers.ts DAEMON-URL ACCESS-JSON`.
import { Milliseconds, Seconds, systemClock, systemRng } from "../../src/base/clock.ts";
import { startRunner } from "../../src/base/runner.ts";
import { startMirror } from "../../src/apps/lab/mirror.ts";
import { syncRouter } from "../../src/apps/lab/routers.ts";
import { describePlan } from "../../src/apps/lab/state.ts";
import type { Snapshot } from "../../src/core/model/snapshot.ts";
import { type DaemonAccess, NO_ACCESS } from "../../src/io/daemon/access.ts";
import { startNativeHelper } from "../../src/io/kernel/native-helper.ts";
import { createPinoLog } from "../../src/io/log/pino-log.ts";
import { netnsOf, planNetwork } from "./network.ts";

const [url = "", access = "{}"] = process.argv.slice(2);
const log = createPinoLog("routers", "info");
const deps = { log, clock: systemClock, rng: systemRng };
const { routers, hosts } = describePlan(await planNetwork());
const helper = await startNativeHelper({ log });
const kernels = await Promise.all(routers.map(({ name }) => helper.kernel(netnsOf(name))));
let world: Snapshot | undefined;
const loop = startRunner(
  async () => {
    if (!world) return;
    for (const [i, router] of routers.entries()) {
      const kernel = kernels[i];
      if (kernel) await syncRouter(kernel, router, { hosts, world, log });
    }
  },
  {
    every: Seconds(1),
    backoff: { first: Milliseconds(50), most: Seconds(1) },
    onError: (error) => log.warn("routers not in step", { error: String(error) }),
  },
  deps,
);
startMirror(
  new URL(url),
  { ...NO_ACCESS, ...(JSON.parse(access) as Partial<DaemonAccess>) },
  {
    ...deps,
    publish(snapshot) {
      world = snapshot;
      loop.poke();
    },
  },
);
