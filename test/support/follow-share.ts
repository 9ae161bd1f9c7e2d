// A node that follows its share of the policies at a daemon, without a port between them.
import type { startDaemon } from "./daemon.ts";
import type { WatchLine } from "../../src/core/api/types.ts";
import { createMirror, type Mirror } from "../../src/core/desired/mirror.ts";

/** Goes on in the `mirror` of a stream that was left, if it is given. */
export function followShare(
  { daemon }: Pick<Awaited<ReturnType<typeof startDaemon>>, "daemon">,
  host: string,
  mirror: Mirror = createMirror(),
) {
  const told: WatchLine[] = [];
  const write = (chunk: string | Buffer): void => {
    for (const text of chunk.toString().split("\n").filter(Boolean)) {
      const line = JSON.parse(text) as WatchLine;
      told.push(line);
      mirror.apply(line);
    }
  };
  const seen = mirror.seen && { since: mirror.seen.revision, cluster: mirror.seen.cluster };
  const leave = daemon.hub.subscribe(
    { ...seen, scope: { host, subnets: [] }, policy: host },
    { write, pending: () => 0, end: () => undefined },
  );
  return {
    mirror,
    told,
    leave,
    policy: () => mirror.policy,
    /** By id, the chains of ingress. */
    pods(): Record<string, readonly string[] | undefined> {
      const pods = typeof mirror.policy === "object" ? [...mirror.policy.pods.values()] : [];
      return Object.fromEntries(pods.map(({ id, ingress }) => [id, ingress]));
    },
  };
}
