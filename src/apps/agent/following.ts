// Which replica of the daemon the agent follows: one connection after the other. A replica that is silent, ends the stream or refuses is left
// for the next; one that is behind its store is left for one that is ready; and the agent's own one is come back to.
import { Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { HealthReporter } from "../../base/health.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import { hashOf } from "../../base/sha256.ts";
import type { DaemonClient } from "../../io/daemon/daemon-client.ts";
import { type FollowDeps, followOnce, type News } from "./follow.ts";
import type { Metrics } from "./metrics.ts";
import { BACKOFF, LOG_EVERY } from "./sync-loop.ts";

/** Two and a half bookmarks. Doubled after each round over all replicas that failed, so that slow ones are heard in the end. */
const PATIENCE = Milliseconds(1250);
/** Also where there is no other replica to go to. */
const MOST_PATIENCE = Seconds(12);
/** All agents of a replica that died come to the others: not all at once. */
const SPREAD = Milliseconds(250);
/** A connection that lasted this long was a good one: when it ends, the next is tried at once. */
const GOOD_AFTER = Seconds(1);
const CHOOSE_EVERY = Seconds(2);
/** Between two looks at the agent's own replica from another one. */
const HOME_EVERY = Seconds(60);

export type FollowingDeps = Omit<FollowDeps, "heard" | "replica"> & {
  readonly client: DaemonClient;
  readonly rng: Rng;
  readonly metrics: Metrics;
  readonly health: HealthReporter;
  /** The mirror is another. */
  readonly changed: () => void;
  readonly policyChanged: () => void;
};

/** Which of `count` replicas is a host's own: they share the hosts evenly. */
export const homeOf = (hostname: string, count: number): number => hashOf(hostname) % count;

export function startFollowing(deps: FollowingDeps): Pick<Runner, "close"> {
  const { client, clock } = deps;
  const { replicas } = client;
  const state = { isBehind: false, lookedHome: clock.monotonic() };
  const home = replicas.inTurn()[homeOf(deps.hostname, replicas.count)];
  if (home) replicas.use(home);
  const followed = startConnections(deps, state);
  const choose = async (): Promise<void> => {
    const others = replicas.inTurn().slice(1);
    const isHomesick =
      others.some((url) => url === home) && clock.monotonic() - state.lookedHome >= HOME_EVERY;
    if (isHomesick) state.lookedHome = clock.monotonic();
    const wanted = state.isBehind ? others : others.filter((url) => isHomesick && url === home);
    for (const url of wanted) if (await client.isReady(url)) return replicas.use(url);
  };
  const onError = (error: unknown): void => {
    throw error;
  };
  const choosing = startRunner(choose, { every: CHOOSE_EVERY, backoff: BACKOFF, onError }, deps);
  return {
    async close() {
      await Promise.all([followed.close(), choosing.close()]);
    },
  };
}

function startConnections(deps: FollowingDeps, state: { isBehind: boolean }): Runner {
  const { client, clock, rng, log, metrics, health } = deps;
  let failures = 0;
  let last = "";
  const work = async (signal: AbortSignal): Promise<void> => {
    const replica = client.replica(patience(client.replicas.count, failures));
    const start = clock.monotonic();
    try {
      await followOnce({ ...deps, replica, heard: (news) => hear(news, deps, state) }, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Nothing is wrong, and the same replica serves.
      if (error instanceof UnavailableError && error.code === "CERTIFICATES_RENEWED") return runner.poke();
      client.replicas.leave(replica.url);
      metrics.connected.set(0);
      metrics.failures.inc({ part: "watch" });
      if (clock.monotonic() - start < GOOD_AFTER || !(error instanceof UnavailableError)) throw error;
      failures = 0;
      log.info("going on at the next replica", { left: replica.url.origin, error: error.message });
      await clock.sleep(Milliseconds(SPREAD * rng()), signal).catch(() => undefined);
      runner.poke();
    }
  };
  const onError = (error: unknown, attempt: number): void => {
    failures++;
    health.failed(String(error));
    if (String(error) === last && attempt % LOG_EVERY !== 0) return;
    last = String(error);
    const fields = { error: last };
    if (error instanceof InputError)
      log.error("the daemon refuses this node; routes stay as they are", fields);
    else log.warn("not connected to the daemon; routes stay as they are", fields);
  };
  const runner = startRunner(work, { backoff: BACKOFF, onError }, { clock, rng });
  return runner;
}

function patience(count: number, failures: number): number {
  if (count === 1) return MOST_PATIENCE;
  return Math.min(MOST_PATIENCE, PATIENCE * 2 ** Math.floor(failures / count));
}

function hear(
  { isOther, isOtherPolicy, isBehind }: News,
  deps: FollowingDeps,
  state: { isBehind: boolean },
): void {
  const { mirror, metrics, health, changed, policyChanged } = deps;
  state.isBehind = isBehind;
  if (isOther) changed();
  if (isOtherPolicy) policyChanged();
  metrics.revision.set(mirror.snapshot.revision);
  metrics.blocks.set(mirror.snapshot.blocks.size);
  metrics.connected.set(1);
  if (mirror.synced) health.ok();
}
