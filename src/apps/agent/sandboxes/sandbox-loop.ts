// Compares the endpoints with the container runtime's sandboxes, and detaches what is left of those that it has forgotten, as a DEL would: a runtime that
// lost its memory sends none, and containerd 1.6 asks for no GC either.
import type { Clock, Duration, Rng } from "../../../base/clock.ts";
import { Milliseconds, Seconds } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import type { KeyedLock } from "../../../base/lock.ts";
import type { Log } from "../../../base/log.ts";
import { type Runner, startRunner } from "../../../base/runner.ts";
import { allEnded } from "../../../base/all-ended.ts";
import type { CniDeps } from "../cni/attached.ts";
import { detach } from "../cni/remove.ts";
import type { AgentEndpoint } from "../endpoints.ts";
import type { Metrics } from "../metrics.ts";
import { lookForStrays, type Missed } from "./strays.ts";

export type SandboxDeps = {
  readonly sandboxes: () => Promise<ReadonlySet<string>>;
  readonly cni: CniDeps;
  readonly turns: KeyedLock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
};

const LOOKS_IN_GRACE = 5;
const BACKOFF = { first: Seconds(1), most: Seconds(60) };

export function startSandboxLoop(grace: Duration, deps: SandboxDeps): Runner {
  const { sandboxes, cni, clock, log, metrics } = deps;
  let before: Missed = new Map();
  let told = "";
  const work = async (): Promise<void> => {
    // Endpoints first: one that comes meanwhile is in the next look.
    const endpoints = cni.endpoints.list();
    const look = { endpoints, sandboxes: await sandboxes(), now: clock.monotonic(), grace };
    const { missed, strays } = lookForStrays(look, before);
    before = missed;
    await allEnded(strays.map((stray) => release(stray, deps)));
    told = "";
  };
  const onError = (error: unknown): void => {
    if (!(error instanceof UnavailableError)) throw error;
    metrics.failures.inc({ part: "sandboxes" });
    if (error.message !== told)
      log.warn("endpoints are not compared with the runtime's sandboxes", { error: error.message });
    told = error.message;
  };
  return startRunner(work, { every: Milliseconds(grace / LOOKS_IN_GRACE), backoff: BACKOFF, onError }, deps);
}

/** Unless a command was faster. */
function release(stray: AgentEndpoint, { cni, turns, log, metrics }: SandboxDeps): Promise<void> {
  const { name, sequence, containerId, pod, ips } = stray;
  return turns.run(name, async () => {
    if (cni.endpoints.get(name)?.sequence !== sequence) return;
    await detach(stray, stray, cni);
    metrics.strays.inc();
    log.warn("endpoint released: the container runtime has no such sandbox", { containerId, pod, ips });
  });
}
