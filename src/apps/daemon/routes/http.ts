// All routes on one fastify instance: testable without a port.
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { createHttpApp } from "../../../io/http/http-app.ts";
import type { PemFiles } from "../../../io/files/pem-files.ts";
import { onAnswered } from "../access/answered.ts";
import { auditRequests } from "../access/audit.ts";
import { guardRoutes } from "../access/guard.ts";
import type { Identify } from "../access/identify.ts";
import type { Limit } from "../access/limits.ts";
import type { OpenWatches } from "../access/open-watches.ts";
import { addressRoutes } from "./address-routes.ts";
import { backupRoutes } from "./backup-routes.ts";
import { blackoutRoutes } from "./blackout-routes.ts";
import type { Daemon } from "../daemon.ts";
import { drainRoutes } from "./drain-routes.ts";
import { explainRoutes } from "./explain-routes.ts";
import { hostRoutes } from "./host-routes.ts";
import { ipamRoutes } from "./ipam-routes.ts";
import { kubernetesRoutes } from "./kubernetes-routes.ts";
import { limitRoutes } from "./limit-routes.ts";
import { networkRoutes, tenantRoutes } from "./network-routes.ts";
import { healthRoutes, opsRoutes } from "./ops-routes.ts";
import { policyRoutes } from "./policy-routes.ts";
import { reservationRoutes } from "./reservation-routes.ts";
import { topologyPlanRoutes } from "./topology-plan-routes.ts";
import { topologyRoutes } from "./topology-routes.ts";
import { usageRoutes } from "./usage-routes.ts";
import { watchRoutes } from "../watch/watch-routes.ts";

type AccessOptions = {
  readonly identify: Identify;
  readonly limit: Limit;
  readonly watches: OpenWatches;
  readonly tls?: PemFiles | undefined;
};

export async function createDaemonApp(
  daemon: Daemon,
  { identify, limit, watches, tls }: AccessOptions,
): Promise<FastifyInstance> {
  const { log, metrics, clock } = daemon;
  const options = { title: "Romana", version: packageVersion(), ...(tls && { tls }) };
  const app = await createHttpApp(options, { log });
  onAnswered(app, ({ rule }, { statusCode: status }) => {
    metrics.requests.inc({ route: rule?.url ?? "unknown", status });
  });
  guardRoutes(app, { identify, limit, metrics });
  watches.follow(app);
  auditRequests(app, { log, clock });
  addressRoutes(app, daemon);
  networkRoutes(app, daemon);
  tenantRoutes(app, daemon);
  blackoutRoutes(app, daemon);
  reservationRoutes(app, daemon);
  limitRoutes(app, daemon);
  policyRoutes(app, daemon);
  kubernetesRoutes(app, daemon);
  explainRoutes(app, daemon);
  drainRoutes(app, daemon);
  topologyRoutes(app, daemon);
  topologyPlanRoutes(app, daemon);
  hostRoutes(app, daemon);
  ipamRoutes(app, daemon);
  usageRoutes(app, daemon);
  watchRoutes(app, daemon);
  healthRoutes(app, daemon);
  opsRoutes(app, daemon);
  backupRoutes(app, daemon);
  return app;
}

function packageVersion(): string {
  const file = readFileSync(new URL("../../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}
