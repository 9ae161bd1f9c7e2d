// All metrics of the listener, in one typed tree.
import { Counter, Gauge, Registry } from "prom-client";

// long: a table of metrics
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    hosts: new Gauge({
      name: "romana_listener_hosts",
      help: "Hosts that the daemon knows of nodes of this cluster",
      registers,
    }),
    changes: new Counter({
      name: "romana_listener_host_changes_total",
      help: "Hosts put and removed at the daemon",
      labelNames: ["change"] as const,
      registers,
    }),
    failures: new Counter({
      name: "romana_listener_errors_total",
      help: "Failures, by the part that failed",
      labelNames: ["part"] as const,
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
