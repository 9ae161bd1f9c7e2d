// What operators and supervisors ask: health, readiness, metrics, and the word that ends an adoption.
import type { FastifyInstance } from "fastify";
import { boolean, object, record, string } from "../../../core/api/schema.ts";
import { AdoptReply, AdoptRequest } from "../../../core/api/types.ts";
import type { Daemon } from "../daemon.ts";
import { replies } from "./route-schemas.ts";
import { forceAdoption } from "../tend-adoption.ts";

const HealthReply = object({ ok: boolean(), parts: record(string()) });
const health = (summary: string) => ({
  schema: { summary, response: { 200: HealthReply, 503: HealthReply } },
});

export function healthRoutes(app: FastifyInstance, daemon: Daemon): void {
  // What fails and says so is not mended by a restart: without the store there would be no daemon at all.
  app.get("/healthz", health("Whether every loop lives"), ({ caller }, reply) => {
    const { alive, parts } = daemon.health.state();
    return reply.code(alive ? 200 : 503).send({ ok: alive, parts: caller ? parts : {} });
  });
  // Waiting for adoption is no reason to be unready: the reports it waits for come through here.
  app.get("/readyz", health("Whether requests can be served"), ({ caller }, reply) => {
    const { health, leader, currency } = daemon;
    const { ok: isWell, parts } = health.state();
    const ok = isWell && !currency.isBehind;
    // Its parts name records: not for everybody who reaches the port.
    if (!caller) return reply.code(ok ? 200 : 503).send({ ok, parts: {} });
    const addresses = daemon.adoption.isReady(daemon.mirror.state) ? "ready" : "waiting for reports";
    const garbage = [...daemon.mirror.garbage.keys()];
    const records = garbage.length > 0 ? `garbage: ${garbage.slice(0, 5).join(", ")}` : "ok";
    const policies = daemon.adoption.knowsPolicies(daemon.mirror.state) ? "ok" : "not told to nodes yet";
    const shown = { addresses, policies, records, currency: currency.shown, leader: leader.shown };
    return reply.code(ok ? 200 : 503).send({ ok, parts: { ...parts, ...shown } });
  });
}

export function opsRoutes(app: FastifyInstance, daemon: Daemon): void {
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  app.get(
    "/metrics",
    { schema: { summary: "Prometheus metrics", produces: ["text/plain"] } },
    async (_request, reply) => {
      const { metrics, mirror, leader, currency } = daemon;
      metrics.lag.set(currency.lag / 1000);
      metrics.leader.set(leader.isLeading ? 1 : 0);
      metrics.blocks.set(mirror.state.blocks.size);
      metrics.addresses.set(mirror.state.addresses.size);
      metrics.hosts.set(mirror.state.hosts.size);
      return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    },
  );
  app.get(
    "/ipam/adopt",
    { schema: { summary: "What is waited for before addresses are handed out", ...replies(AdoptReply) } },
    () => adoptionState(daemon),
  );
  app.post<{ Body: AdoptRequest }>(
    "/ipam/adopt",
    {
      schema: {
        summary: "Hand out addresses without waiting any longer",
        body: AdoptRequest,
        ...replies(AdoptReply),
      },
    },
    async ({ body }) => {
      if (body.force) await forceAdoption(daemon);
      return adoptionState(daemon);
    },
  );
}

export function adoptionState({ adoption, mirror: { state } }: Daemon): AdoptReply {
  return {
    state: adoption.isReady(state) ? "ready" : "waiting",
    waiting_for: adoption.waitingFor(state),
    policies: state.adoption.policies ?? "known",
  };
}
