// Following the daemon: register, report, watch. One connection after the other, over all replicas.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostReport, HostRequest } from "../../core/api/types.ts";
import { type Clock, Seconds } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import type { DaemonClient } from "../../io/daemon/daemon-client.ts";
import type { Endpoints } from "./endpoints.ts";

export type IntroduceDeps = {
  readonly client: DaemonClient;
  readonly mirror: Mirror;
  readonly endpoints: Endpoints;
  readonly log: Log;
  /** What this node registers as, now; `undefined`: somebody else registers it. */
  readonly registration: () => HostRequest | undefined;
  readonly hostname: string;
  readonly stateDir: string;
};
export type FollowDeps = IntroduceDeps & {
  readonly clock: Clock;
  /** After lines were taken. `isOther`: the snapshot is another than before. */
  readonly heard: (isOther: boolean) => void;
};

const KEEP_EVERY = Seconds(1);

type Seen = { readonly cluster: string; readonly revision: number };

/** One connection, until it ends. UnavailableError at its end, or why it was not begun; `signal` ends it in silence. */
export async function followOnce(deps: FollowDeps, signal: AbortSignal): Promise<void> {
  const { client, mirror } = deps;
  const keep = createKeeper(deps);
  let registered = await introduce(deps, signal);
  for await (const lines of client.watch(mirror.seen, signal)) {
    let isOther = false;
    for (const line of lines) isOther = mirror.apply(line) || isOther;
    deps.heard(isOther);
    await keep(mirror.seen);
    // The node's addresses may change while it runs; bookmarks come every few seconds.
    if (registered !== JSON.stringify(deps.registration())) registered = await register(deps, signal);
  }
  if (!signal.aborted) throw new UnavailableError({ code: "WATCH_ENDED", url: client.url.origin });
}

/** Registers and reports. UnavailableError `STORE_FORGOT`: what this store says must not be believed yet. */
export async function introduce(deps: IntroduceDeps, signal: AbortSignal): Promise<string> {
  const registered = await register(deps, signal);
  await report(deps, signal);
  return registered;
}

/** What was registered, as text. */
async function register({ client, registration }: IntroduceDeps, signal: AbortSignal): Promise<string> {
  const wanted = registration();
  if (wanted) await client.register(wanted, signal);
  return JSON.stringify(wanted);
}

/**
 * Tells the daemon what is alive here, and the newest store this node ever followed: a store that forgot must learn of both. Until it
 * has learnt from all nodes its world lacks what lives, and routes that lead there must stay: it is not followed.
 */
async function report(deps: IntroduceDeps, signal: AbortSignal): Promise<void> {
  const { client, endpoints, mirror, hostname, stateDir, log } = deps;
  const seen = mirror.seen ?? (await readSeen(stateDir));
  const alive = endpoints.alive().map(({ name, ips, tenant, segment, sequence, pod }) => ({
    name,
    ips: [...ips],
    tenant,
    segment,
    sequence,
    ...(pod === undefined ? {} : { pod }),
  }));
  const body: HostReport = { ...(seen ? { seen } : {}), endpoints: alive };
  const reply = await client.report(hostname, body, signal);
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
      url: client.url.origin,
      waitingFor: reply.waiting_for,
    });
}

const seenFile = (stateDir: string): string => join(stateDir, "seen.json");

async function readSeen(stateDir: string): Promise<Seen | undefined> {
  const text = await readFile(seenFile(stateDir), "utf8").catch(() => ""); // none yet: this node never followed a store
  try {
    return text === "" ? undefined : (JSON.parse(text) as Seen);
  } catch {
    return undefined; // not written by us: as if none
  }
}

/** Writes what was seen to disk, so that an older store is known for what it is after a restart of both. Seldom, for it is no allocation. */
function createKeeper({ stateDir, log, clock }: FollowDeps): (seen: Seen | undefined) => Promise<void> {
  let kept: { readonly revision: number; readonly at: number } | undefined;
  return async (seen) => {
    const now = clock.monotonic();
    if (!seen || (kept && (seen.revision === kept.revision || now - kept.at < KEEP_EVERY))) return;
    kept = { revision: seen.revision, at: now };
    try {
      await writeFile(`${seenFile(stateDir)}.new`, JSON.stringify(seen));
      await rename(`${seenFile(stateDir)}.new`, seenFile(stateDir));
    } catch (error) {
      log.warn("the seen revision is not kept", { error: String(error) });
    }
  };
}
