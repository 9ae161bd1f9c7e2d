// What the daemon is told of this node: what is alive here, and which store the node has seen.
import { join } from "node:path";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { HostReport } from "../../core/api/types.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import type { Replica } from "../../io/daemon/daemon-client.ts";
import { readSeen, type Seen } from "../../io/daemon/seen-file.ts";
import type { Endpoints } from "./endpoints.ts";

export type ReportDeps = {
  readonly replica: Replica;
  readonly mirror: Mirror;
  readonly endpoints: Endpoints;
  readonly log: Log;
  readonly hostname: string;
  readonly stateDir: string;
  /** Names whose addresses are in use here, though no endpoint tells of them. Absent: who asks does not know, and nothing is taken for gone. */
  readonly inHand?: () => Promise<string[]>;
};

/** What is known since the first world was whole; else what an earlier life of this agent knew. */
export const seenBy = ({ seen, policy }: Pick<Mirror, "seen" | "policy">): Seen | undefined =>
  seen && { ...seen, policies: policy !== "none" };

/**
 * Tells the daemon what is alive here, and the newest store this node ever followed: a store that forgot must learn of both. Until it
 * has learnt from all nodes its world lacks what lives, and routes that lead there must stay: it is not followed. Whether it waits for nobody.
 */
export async function report(deps: ReportDeps, signal: AbortSignal): Promise<boolean> {
  const { replica, endpoints, mirror, hostname, stateDir, log } = deps;
  // In this order: what is alive, or in hand, is looked at after what was seen, and what comes to live leaves the hand after it lives.
  const seen = seenBy(mirror) ?? (await readSeen(seenFile(stateDir)));
  const inHand = await deps.inHand?.();
  const alive = endpoints.alive().map(({ name, ips, tenant, segment, sequence, pod }) => ({
    name,
    ips: [...ips],
    tenant,
    segment,
    sequence,
    ...(pod === undefined ? {} : { pod }),
  }));
  const body: HostReport = { ...(seen && { seen }), endpoints: alive, ...(inHand && { in_hand: inHand }) };
  const reply = await replica.report(hostname, body, signal);
  log.info("reported to the daemon", {
    endpoints: alive.length,
    state: reply.state,
    conflicts: reply.conflicts.length,
  });
  for (const conflict of reply.conflicts)
    log.error("an address in use here is somebody else's at the daemon", conflict);
  const goesOn = seen?.cluster === reply.cluster && seen.revision <= reply.revision;
  if (reply.state === "waiting" && !goesOn)
    throw new UnavailableError({
      code: "STORE_FORGOT",
      url: replica.url.origin,
      waitingFor: reply.waiting_for,
    });
  return reply.state === "ready";
}

export const seenFile = (stateDir: string): string => join(stateDir, "seen.json");
