// The life of an adoption, for all daemons on a store: one that starts asks, one that serves answers, whoever finds a loss says so, the leader ends
// the wait. The rules are core/ipam/adoption-round.ts; what this daemon follows is adoption.ts.
import { Seconds } from "../../base/clock.ts";
import { within } from "../../base/within.ts";
import { adoptionKey } from "../../core/model/keys.ts";
import {
  planAsk,
  planLoss,
  planOpen,
  planPoliciesKnown,
  unseenFrom,
} from "../../core/ipam/adoption-round.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import type { Plan, Write } from "../../core/ipam/types.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Seen } from "./adoption.ts";
import type { Daemon } from "./daemon.ts";
import { note } from "./note.ts";
import type { Decision } from "./writer.ts";

/** To a daemon that starts, of one that serves. */
const ANSWER_WITHIN = Seconds(2);
const NOTHING: Plan = { writes: [], guards: [] };

/** Before anything is handed out. Where the store takes no writes at present, `tendAdoption` does it. */
export async function beginAdoption({ adoption, writer, mirror, clock, log }: Daemon): Promise<void> {
  const begin = (state: IpamState): Decision<undefined> => {
    const isOpening = adoption.isKnown && state.adoption.state !== "lost";
    const plan = isOpening ? planOpen(state) : planAsk(state, mirror.revisionOf(adoptionKey));
    const next = plan.writes.find((write) => write.kind === "put-adoption");
    // Here and not later, so that no answer is missed.
    adoption.begin(next?.adoption ?? state.adoption, clock.monotonic());
    return { value: undefined, plan };
  };
  try {
    await writer.submit(begin);
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    adoption.notBegun();
    log.warn("nothing is handed out: the store takes no writes", { error: error.message });
  }
}

/** Takes what the watch tells. */
export function followAdoption(
  { adoption, clock, log }: Pick<Daemon, "adoption" | "clock" | "log">,
  writes: readonly Write[],
): void {
  for (const write of writes) {
    if (write.kind !== "put-adoption") continue;
    adoption.follow(write.adoption, clock.monotonic());
    log.info("adoption", write.adoption);
  }
}

/** Answers who has started, where this daemon serves; ends the wait that is over, where it leads. */
export async function tendAdoption(daemon: Daemon): Promise<void> {
  const { adoption, leader, mirror, clock } = daemon;
  if (!adoption.hasBegun) return beginAdoption(daemon);
  if (mirror.state.adoption.state === "open") return;
  // Whoever serves has followed the store up to the question: it is known what is alive.
  if (adoption.isReady(mirror.state))
    await note(daemon, (state) => (state.adoption.state === "asked" ? planOpen(state, "answer") : NOTHING));
  else
    await leader.lead(async (term) => {
      const plan = (state: IpamState): Plan =>
        adoption.isOver(state, clock.monotonic()) ? planOpen(state) : NOTHING;
      await note(daemon, plan, (decide) => term.submit(decide));
    });
}

/** Policies that were lost are all told anew: nodes hear of them from now on. */
export async function notePoliciesKnown(daemon: Daemon): Promise<void> {
  if (await note(daemon, planPoliciesKnown)) daemon.log.info("all policies were told anew");
}

/** The operator's word that nobody else will report. In the store before it is answered, as it is for all replicas. */
export async function forceAdoption(daemon: Daemon): Promise<void> {
  daemon.log.warn("adoption ended by the operator", {
    waiting: daemon.adoption.waitingFor(daemon.mirror.state),
  });
  await note(daemon, (state) => planOpen(state, "force"));
}

/**
 * If the host's agent had seen what the store, at `revision`, does not know, from now on no daemon hands out anything. That the store has come as
 * far since a daemon started on it does not hide it; but the agent may have followed one that serves all the time, and then that one answers. Whether
 * it is a loss.
 */
export async function noteIfLost(
  daemon: Daemon,
  host: string,
  { seen, revision }: { seen: Seen | undefined; revision: number },
): Promise<boolean> {
  const { adoption, log, cluster, clock, mirror } = daemon;
  if (!adoption.isLoss(seen, revision)) {
    const from = unseenFrom(mirror.state, host, mirror.revisionOf(adoptionKey));
    const isOdd = !adoption.isReady(mirror.state) && from !== undefined && adoption.isLoss(seen, from - 1);
    if (!isOdd || (await within(clock, ANSWER_WITHIN, adoption.answered))) return false;
  }
  if (adoption.wasShown(host, seen)) return true;
  if (await note(daemon, (state) => planLoss(state, seen?.policies !== false)))
    log.error("the store lost what an agent has seen", { host, seen, cluster, revision });
  adoption.shown(host, seen);
  return true;
}
