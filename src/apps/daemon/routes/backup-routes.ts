// `GET /backup`: the records of the store at one revision, as a backup. It ends in its trailer, or it is none.
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { readRecords } from "../../../io/store/backup/read-records.ts";
import { writeBackup } from "../../../io/store/backup/write-backup.ts";
import type { Daemon } from "../daemon.ts";

/** Milliseconds in which a reader that takes nothing is given up: what it has not read is kept for it. */
const STALLED = 30_000;

export function backupRoutes(app: FastifyInstance, { store, clock }: Daemon): void {
  app.get(
    "/backup",
    {
      schema: {
        summary: "All records at one revision, for `romana store import`",
        produces: ["application/x-ndjson"],
      },
    },
    async (_request, reply) => {
      const texts = writeBackup(readRecords(store, { clock }));
      // While nothing is sent a store that cannot answer is still a 503.
      const first = await texts.next();
      const body = Readable.from(startingWith(first, texts), { objectMode: false });
      reply.raw.setTimeout(STALLED, () => reply.raw.destroy());
      return reply.type("application/x-ndjson").header("cache-control", "no-store").send(body);
    },
  );
}

async function* startingWith(
  first: IteratorResult<string, unknown>,
  rest: AsyncGenerator<string, unknown>,
): AsyncGenerator<string> {
  try {
    if (!first.done) yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
