// The loop that publishes whenever the mirror is another, and looks at BIRD's sessions at intervals.
import { type Clock, type Duration, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import type { HealthReporter } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import { type Beside, type DesiredBird, desiredBird } from "../../core/bird/desired-bird.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import type { BirdControl } from "../../io/bird/bird-control.ts";
import type { Metrics } from "./metrics.ts";
import type { Published, Publisher } from "./publish.ts";
import { createTransition } from "./transition.ts";

const BACKOFF = { first: Milliseconds(50), most: Seconds(2) };
/** Of a row of failures, each of these is logged. */
const LOG_EVERY = 10;

export type PublishLoopDeps = {
  readonly mirror: Mirror;
  readonly hostname: string;
  readonly publisher: Publisher;
  readonly control: BirdControl;
  /** Between two looks at BIRD. */
  readonly look: Duration;
  readonly metrics: Metrics;
  readonly health: HealthReporter;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
};
type Known = Extract<DesiredBird, { kind: "known" }>;

export interface PublishLoop extends Pick<Runner, "close"> {
  /** The mirror is another. */
  changed(): void;
}

export function startPublishLoop(deps: PublishLoopDeps): PublishLoop {
  const { publisher, metrics, health, log, clock } = deps;
  let changedAt: number | undefined;
  let last: Published | undefined;
  const transition = createTransition(clock);
  const work = async (): Promise<void> => {
    const since = changedAt;
    changedAt = undefined;
    const desired = knownOf(deps, (wanted) => transition.beside(wanted));
    if (!desired) return;
    const published = await publisher.publish(desired.text);
    if (!isSame(published, last)) tell(published, desired, deps);
    last = published;
    if (published.kind === "refused")
      return health.failed(`BIRD refuses the configuration: ${published.reason}`);
    transition.done(desired.prefixes);
    if (since !== undefined) metrics.convergence.observe((clock.monotonic() - since) / 1000);
    metrics.prefixes.set(desired.prefixes.length);
    await lookAtSessions(desired, deps);
  };
  const onError = (error: unknown, attempt: number): void => {
    metrics.failures.inc({ part: "bird" });
    publisher.forget();
    health.failed(String(error));
    if (attempt % LOG_EVERY === 0) log.warn("not published, trying again", { attempt, error: String(error) });
  };
  const runner = startRunner(work, { every: deps.look, backoff: BACKOFF, onError }, deps);
  return {
    close: () => runner.close(),
    changed() {
      changedAt ??= clock.monotonic();
      runner.poke();
    },
  };
}

/** `undefined`: not enough is known to change anything, and `health` says what is missing. */
function knownOf({ mirror, hostname, health }: PublishLoopDeps, beside: Beside): Known | undefined {
  // Before that nothing is known to be gone.
  const desired: DesiredBird = mirror.synced
    ? desiredBird(mirror.snapshot, hostname, beside)
    : { kind: "unknown", reason: "waiting for the daemon" };
  if (desired.kind === "known") return desired;
  health.failed(`${desired.reason}; what is announced stays`);
  return undefined;
}

/** One refusal is told once. */
const isSame = (published: Published, last: Published | undefined): boolean =>
  published.kind === "refused" && last?.kind === "refused" && published.reason === last.reason;

function tell(published: Published, { sessions, prefixes }: Known, deps: PublishLoopDeps): void {
  const { metrics, log, mirror } = deps;
  if (published.kind === "unchanged") return;
  metrics.configurations.inc({ outcome: published.kind });
  const { revision } = mirror.snapshot;
  if (published.kind === "refused")
    log.error("BIRD refuses the configuration; the last good one stays", {
      reason: published.reason,
      revision,
    });
  else log.info("published", { prefixes: prefixes.length, sessions: sessions.length, revision });
}

/** The node is ready while one session is up, or none is wanted: others may do without the rest. */
async function lookAtSessions({ sessions }: Known, deps: PublishLoopDeps): Promise<void> {
  const { control, metrics, health, publisher } = deps;
  const byName = new Map((await control.protocols()).map((protocol) => [protocol.name, protocol]));
  const missing = sessions.filter((name) => !byName.has(name));
  const states = sessions.map((name) => byName.get(name)?.info ?? "unknown to BIRD");
  const up = states.filter((info) => info.startsWith("Established")).length;
  metrics.sessions.set({ state: "established" }, up);
  metrics.sessions.set({ state: "down" }, sessions.length - up);
  if (missing.length > 0) {
    publisher.forget();
    return health.failed(`BIRD has another configuration than this: it does not know ${missing.join(", ")}`);
  }
  if (up > 0 || sessions.length === 0) return health.ok();
  const list = sessions.map((name, i) => `${name} ${states[i]}`).join(", ");
  health.failed(`no session is established: ${list}`);
}
