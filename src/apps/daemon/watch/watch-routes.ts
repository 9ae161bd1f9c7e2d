// `/watch`: a stream of newline-delimited JSON that never ends by itself.
import type { FastifyInstance } from "fastify";
import { object, oneOf, optional, string, type Static } from "../../../core/api/schema.ts";
import { InputError } from "../../../base/errors.ts";
import type { Scope } from "../../../core/desired/concern.ts";
import { parseCidr } from "../../../core/net/cidr.ts";
import { createWatchSink } from "./watch-sink.ts";
import type { Daemon } from "../daemon.ts";

const WatchQuery = object({
  since: optional(string({ pattern: "^\\d{1,15}$" })),
  cluster: optional(string({ maxLength: 253 })),
  /** Nothing of what was seen is kept: all is sent. */
  anew: optional(oneOf("true")),
  host: optional(string({ minLength: 1, maxLength: 253 })),
  policy: optional(string({ minLength: 1, maxLength: 253, description: "a host" })),
  subnets: optional(string({ maxLength: 4096, description: "prefixes, separated by commas" })),
});
type WatchQuery = Static<typeof WatchQuery>;

export function watchRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { hub, metrics } = daemon;
  app.get<{ Querystring: WatchQuery }>(
    "/watch",
    {
      schema: {
        summary:
          "Hosts, blocks and topology with all changes, as newline-delimited JSON; with `host` only that host and those in `subnets`; with `policy` that host's share of the policies",
        querystring: WatchQuery,
        produces: ["application/x-ndjson"],
      },
    },
    async ({ query }, reply) => {
      const scope = scopeOf(query);
      const { cluster, anew, policy } = query;
      const since = query.since === undefined ? undefined : Number(query.since);
      await refuseWhatIsOlder(daemon, { since: since ?? 0, cluster });
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
      const unsubscribe = hub.subscribe(
        { since: anew ? undefined : since, cluster, scope, policy },
        createWatchSink(raw, daemon.clock),
      );
      metrics.watchers.set(hub.watchers);
      raw.on("close", () => {
        unsubscribe();
        metrics.watchers.set(hub.watchers);
      });
    },
  );
}

/**
 * A watcher must not be taken back in time: what came since would lose its routes. Who followed another store, or saw more of this one than it
 * has now, goes on with what he knows until this one has heard what is alive. A mirror that lags catches up first, or leaves it to another replica.
 */
async function refuseWhatIsOlder(
  daemon: Daemon,
  { since, cluster }: { since: number; cluster: string | undefined },
): Promise<void> {
  const { adoption, currency } = daemon;
  if (cluster === undefined) return;
  if (cluster === daemon.cluster && (await currency.newest(since)) >= since) await currency.reach(since);
  else adoption.check(daemon.mirror.state);
}

/** What a node asks to hear of; absent: everything. */
function scopeOf({ host, subnets }: WatchQuery): Scope | undefined {
  if (host === undefined && subnets !== undefined)
    throw new InputError({
      code: "WATCH_SCOPE",
      field: "query.host",
      value: host,
      expected: "a host beside subnets",
    });
  if (host === undefined) return undefined;
  const prefixes = (subnets ?? "").split(",").filter((text) => text !== "");
  return { host, subnets: prefixes.map((text, i) => parseCidr(text, `query.subnets[${i}]`)) };
}
