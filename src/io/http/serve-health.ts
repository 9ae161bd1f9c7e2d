// Health and metrics of a program that is no server, on plain node:http: one is on every node and should be small.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { UnavailableError } from "../../base/errors.ts";
import type { Health } from "../../base/health.ts";
import type { Log } from "../../base/log.ts";
import { type HealthOptions, metricsAddress } from "./health-options.ts";
import { parseListen, tlsFiles } from "./listen-address.ts";
import { createLimitedServer, HTTP_LIMITS } from "./server.ts";

/** A scraper and a few probes: who opens more is no client of this. */
const LIMITS = { ...HTTP_LIMITS, connections: 64, request: 10_000 };

type HealthDeps = {
  readonly health: Health;
  readonly registry: Registry;
  readonly log: Log;
  /** Brings metrics up to date before they are told. */
  readonly refresh?: () => Promise<void>;
};

/**
 * `/healthz`: no part hangs. `/readyz`: every part is well. 200 or 503, with the reasons. `/metrics`, with a certificate where
 * `--tls-client-ca` asks for one: probes have none. UnavailableError `LISTEN`.
 */
export async function serveHealth(
  config: HealthOptions,
  { health, registry, log, refresh = async () => undefined }: HealthDeps,
): Promise<Server> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url?.split("?")[0];
    if (path === "/healthz" || path === "/readyz") {
      const { ok, alive, parts } = health.state();
      response
        .writeHead((path === "/readyz" ? ok : alive) ? 200 : 503, { "content-type": "application/json" })
        .end(`${JSON.stringify(parts)}\n`);
    } else if (path !== "/metrics") response.writeHead(404).end();
    else if (config.tlsClientCa !== "" && !isKnown(request)) response.writeHead(401).end();
    else
      refresh()
        .then(() => registry.metrics())
        .then(
          (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
          (error: unknown) => response.writeHead(500).end(String(error)),
        );
  };
  const server = createLimitedServer(answer, LIMITS, tlsFiles(config), { log });
  const { host, port } = parseListen("--metrics", metricsAddress(config.metrics));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new UnavailableError({ code: "LISTEN", port, error: cause.message }, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return server;
}

/** Whether its certificate was found good at the handshake. */
const isKnown = ({ socket }: IncomingMessage): boolean =>
  "authorized" in socket && socket.authorized === true;
