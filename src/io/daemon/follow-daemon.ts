// Which replica of the daemon a program follows: one connection after the other. A replica that is silent, ends the stream or refuses is left
// for the next; one that is behind its store is left for one that is ready; and the program's own one is come back to.
import { type Clock, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import type { HealthReporter } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import { hashOf } from "../../base/sha256.ts";
import type { DaemonClient, Replica } from "./daemon-client.ts";

/** Two and a half bookmarks. Doubled after each round over all replicas that failed, so that slow ones are heard in the end. */
const PATIENCE = Milliseconds(1250);
/** Also where there is no other replica to go to. */
const MOST_PATIENCE = Seconds(12);
/** All followers of a replica that died come to the others: not all at once. */
const SPREAD = Milliseconds(250);
/** A connection that lasted this long was a good one: when it ends, the next is tried at once. */
const GOOD_AFTER = Seconds(1);
const CHOOSE_EVERY = Seconds(2);
/** Between two looks at the program's own replica from another one. */
const HOME_EVERY = Seconds(60);
const BACKOFF = { first: Milliseconds(50), most: Seconds(2) };
/** Of a row of failures, each of these is logged. */
const LOG_EVERY = 10;

export type FollowDaemonDeps = {
  readonly client: DaemonClient;
  readonly hostname: string;
  /** One connection, until it ends: throws then, but for the end of `signal`. Calls `heard` with each line that was taken. */
  readonly follow: (
    replica: Replica,
    heard: (isBehind: boolean) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** The connection is lost, or could not be made. */
  readonly lost: () => void;
  readonly health: HealthReporter;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
};

/** Which of `count` replicas is a host's own: they share the hosts evenly. */
export const homeOf = (hostname: string, count: number): number => hashOf(hostname) % count;

export function followDaemon(deps: FollowDaemonDeps): Pick<Runner, "close"> {
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

function startConnections(deps: FollowDaemonDeps, state: { isBehind: boolean }): Runner {
  const { client, clock, rng, log, health } = deps;
  let failures = 0;
  let last = "";
  const heard = (isBehind: boolean): void => {
    state.isBehind = isBehind;
  };
  const work = async (signal: AbortSignal): Promise<void> => {
    const replica = client.replica(patience(client.replicas.count, failures));
    const start = clock.monotonic();
    try {
      await deps.follow(replica, heard, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Nothing is wrong, and the same replica serves.
      if (error instanceof UnavailableError && error.code === "CERTIFICATES_RENEWED") return runner.poke();
      client.replicas.leave(replica.url);
      deps.lost();
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
      log.error("the daemon refuses this node; what it said before holds", fields);
    else log.warn("not connected to the daemon; what it said before holds", fields);
  };
  const runner = startRunner(work, { backoff: BACKOFF, onError }, { clock, rng });
  return runner;
}

function patience(count: number, failures: number): number {
  if (count === 1) return MOST_PATIENCE;
  return Math.min(MOST_PATIENCE, PATIENCE * 2 ** Math.floor(failures / count));
}
