// One connection of the daemon's watch, narrowed to this node: its host, its blocks, the topology. Never takes the node back in time: what was
// seen is shown to each daemon, also after a restart, and one whose store forgot does not answer until it has heard what is alive.
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import type { Replica } from "../../io/daemon/daemon-client.ts";
import { createSeenKeeper, readSeen } from "../../io/daemon/seen-file.ts";

export type FollowDeps = {
  readonly mirror: Mirror;
  readonly hostname: string;
  readonly stateDir: string;
  /** The mirror took lines; `isOther`: its snapshot is another. */
  readonly heard: (isOther: boolean, isBehind: boolean) => void;
  readonly log: Log;
  readonly clock: Clock;
};

/** Until the stream ends: UnavailableError then, and those of `Replica.watch`; `signal` ends it in silence. */
export async function followOnce(deps: FollowDeps, replica: Replica, signal: AbortSignal): Promise<void> {
  const { mirror, hostname, stateDir, heard } = deps;
  const path = join(stateDir, "publisher-seen.json");
  const keep = createSeenKeeper(path, deps);
  const seen = mirror.seen ?? (await readSeen(path));
  const from = seen && { ...seen, anew: !mirror.synced };
  for await (const lines of replica.watch({ from, scope: { host: hostname, subnets: [] } }, signal)) {
    let isOther = false;
    for (const line of lines) isOther = mirror.apply(line) || isOther;
    heard(
      isOther,
      lines.some((line) => line.type === "bookmark" && line.behind),
    );
    await keep(mirror.seen);
  }
  if (!signal.aborted) throw new UnavailableError({ code: "WATCH_ENDED", url: replica.url.origin });
}
