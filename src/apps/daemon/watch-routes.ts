// `/watch`: a stream of newline-delimited JSON that never ends by itself.
import type { FastifyInstance } from "fastify";
import { object, optional, string, type Static } from "../../core/api/schema.ts";
import { adoptionView, type Daemon } from "./daemon.ts";

const WatchQuery = object({
  since: optional(string({ pattern: "^\\d{1,15}$" })),
  cluster: optional(string({ maxLength: 253 })),
});

export function watchRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { hub, metrics, adoption } = daemon;
  app.get<{ Querystring: Static<typeof WatchQuery> }>(
    "/watch",
    {
      schema: {
        summary: "Hosts, blocks and topology with all changes, as newline-delimited JSON",
        querystring: WatchQuery,
        produces: ["application/x-ndjson"],
      },
    },
    ({ query: { since, cluster } }, reply) => {
      // Who followed another store goes on with what he knows until this one has heard what is alive.
      if (cluster !== undefined && cluster !== daemon.cluster) adoption.check(() => adoptionView(daemon));
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
