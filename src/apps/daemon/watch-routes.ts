// `/watch`: a stream of newline-delimited JSON that never ends by itself.
import type { FastifyInstance } from "fastify";
import { object, optional, string, type Static } from "../../core/api/schema.ts";
import { adoptionView, type Daemon } from "./daemon.ts";

const WatchQuery = object({
  since: optional(string({ pattern: "^\\d{1,15}$" })),
  cluster: optional(string({ maxLength: 253 })),
});

export function watchRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { hub, metrics } = daemon;
  app.get<{ Querystring: Static<typeof WatchQuery> }>(
    "/watch",
    {
      schema: {
        summary: "Hosts, blocks and topology with all changes, as newline-delimited JSON",
        querystring: WatchQuery,
        produces: ["application/x-ndjson"],
      },
    },
    async ({ query: { since, cluster } }, reply) => {
      await refuseWhatIsOlder(daemon, { since: Number(since ?? 0), cluster });
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
      const unsubscribe = hub.subscribe(
        { since: since === undefined ? undefined : Number(since), cluster },
        {
          write: (chunk) => void raw.write(chunk),
          pending: () => raw.writableLength,
          end: (cut) => void (cut ? raw.destroy() : raw.end()),
        },
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
  else adoption.check(() => adoptionView(daemon));
}
