// Following the daemon: register, watch, report. One connection after the other, over all replicas.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostReport, HostRequest } from "../../core/api/types.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import type { DaemonClient } from "../../io/daemon/daemon-client.ts";
import { watchDaemon } from "../../io/daemon/watch-daemon.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Metrics } from "./metrics.ts";

export type FollowDeps = {
  readonly client: DaemonClient;
  readonly mirror: Mirror;
  readonly endpoints: Endpoints;
  readonly metrics: Metrics;
  readonly log: Log;
  /** What this node registers as; `undefined`: somebody else registers it. */
  readonly registration: HostRequest | undefined;
  readonly hostname: string;
  readonly stateDir: string;
  /** After lines that changed the mirror. */
  readonly changed: () => void;
  /** The stream is open and whole; then again at each end. */
  readonly connected: (open: boolean) => void;
};

type Seen = { cluster: string; revision: number };

/** One connection, until it ends; then the next replica's turn. Throws UnavailableError at its end. */
export async function followOnce(deps: FollowDeps, signal: AbortSignal): Promise<void> {
  const { client, mirror, metrics } = deps;
  try {
    if (deps.registration) await client.register(deps.registration);
    await report(deps);
    for await (const lines of watchDaemon(client.url, mirror.seen, signal)) {
      let changed = false;
      for (const line of lines) changed = mirror.apply(line) || changed;
      if (changed) deps.changed();
      if (lines.some(({ type }) => type === "synced" || type === "bookmark")) await keepSeen(deps);
      if (mirror.synced) deps.connected(true);
      metrics.revision.set(mirror.snapshot.revision);
      metrics.blocks.set(mirror.snapshot.blocks.size);
    }
    if (!signal.aborted) throw new UnavailableError({ code: "WATCH_ENDED", url: client.url.origin });
  } finally {
    deps.connected(false);
    client.next();
  }
}

/** Tells the daemon what is alive here, and the newest store this node ever followed: a store that forgot must learn of both. */
async function report({ client, endpoints, mirror, hostname, stateDir, log }: FollowDeps): Promise<void> {
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
  const reply = await client.report(hostname, body);
  log.info("reported to the daemon", {
    endpoints: alive.length,
    state: reply.state,
    conflicts: reply.conflicts.length,
  });
  for (const conflict of reply.conflicts)
    log.error("an address in use here is somebody else's at the daemon", conflict);
}

const seenFile = (stateDir: string): string => join(stateDir, "seen.json");

async function readSeen(stateDir: string): Promise<Seen | undefined> {
  const text = await readFile(seenFile(stateDir), "utf8").catch(() => ""); // none yet: this node never followed a store
  try {
    return text === "" ? undefined : (JSON.parse(text) as Seen);
  } catch {
    return undefined; // half a file of a crash while it was first written: as if none
  }
}

/** Kept on disk at every bookmark, so that an older store is known for what it is after a restart of both. */
async function keepSeen({ mirror, stateDir, log }: FollowDeps): Promise<void> {
  if (!mirror.seen) return;
  try {
    await writeFile(`${seenFile(stateDir)}.new`, JSON.stringify(mirror.seen));
    await rename(`${seenFile(stateDir)}.new`, seenFile(stateDir));
  } catch (error) {
    log.warn("the seen revision is not kept", { error: String(error) });
  }
}
