// Health and metrics of the agent, on plain node:http: it is on every node and should be small.
import { createServer, type Server } from "node:http";
import { UnavailableError } from "../../base/errors.ts";
import type { Health } from "../../base/health.ts";
import type { Registry } from "prom-client";

/** `/healthz`: no part hangs. `/readyz`: every part is well. 200 or 503, with the reasons. `/metrics`. UnavailableError `LISTEN`. */
export async function serveHealth(
  port: number,
  { health, registry }: { health: Health; registry: Registry },
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/healthz" || path === "/readyz") {
      const { ok, alive, parts } = health.state();
      response
        .writeHead((path === "/readyz" ? ok : alive) ? 200 : 503, { "content-type": "application/json" })
        .end(`${JSON.stringify(parts)}\n`);
    } else if (path === "/metrics") {
      registry.metrics().then(
        (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    } else response.writeHead(404).end();
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new UnavailableError({ code: "LISTEN", port, error: cause.message }, { cause }));
    });
    server.listen(port, () => {
      resolve();
    });
  });
  return server;
}
