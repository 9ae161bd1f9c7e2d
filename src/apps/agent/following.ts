// The agent's side of following the daemon: what is done with what was heard.
import type { HealthReporter } from "../../base/health.ts";
import type { Runner } from "../../base/runner.ts";
import type { DaemonClient } from "../../io/daemon/daemon-client.ts";
import { followDaemon } from "../../io/daemon/follow-daemon.ts";
import { type FollowDeps, followOnce, type News } from "./follow.ts";
import type { Metrics } from "./metrics.ts";

export type FollowingDeps = Omit<FollowDeps, "heard" | "replica"> & {
  readonly client: DaemonClient;
  readonly metrics: Metrics;
  readonly health: HealthReporter;
  /** The mirror is another. */
  readonly changed: () => void;
  readonly policyChanged: () => void;
};

export function startFollowing(deps: FollowingDeps): Pick<Runner, "close"> {
  const { metrics } = deps;
  return followDaemon({
    ...deps,
    follow(replica, heard, signal) {
      const take = (news: News): void => {
        hear(news, deps);
        heard(news.isBehind);
      };
      return followOnce({ ...deps, replica, heard: take }, signal);
    },
    lost() {
      metrics.connected.set(0);
      metrics.failures.inc({ part: "watch" });
    },
  });
}

function hear({ isOther, isOtherPolicy }: News, deps: FollowingDeps): void {
  const { mirror, metrics, health, changed, policyChanged } = deps;
  if (isOther) changed();
  if (isOtherPolicy) policyChanged();
  metrics.revision.set(mirror.snapshot.revision);
  metrics.blocks.set(mirror.snapshot.blocks.size);
  metrics.connected.set(1);
  if (mirror.synced) health.ok();
}
