// All metrics of the publisher, in one typed tree. Never an address as a label.
import { Counter, Gauge, Histogram, Registry } from "prom-client";

// long: a table of metrics
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    sessions: new Gauge({
      name: "romana_publisher_sessions",
      help: "BGP sessions that the topology asks for, by whether they are established",
      labelNames: ["state"] as const,
      registers,
    }),
    prefixes: new Gauge({
      name: "romana_publisher_announced_prefixes",
      help: "Prefixes in the configuration that BIRD has",
      registers,
    }),
    configurations: new Counter({
      name: "romana_publisher_configurations_total",
      help: "Configurations that BIRD took, and those that it refused",
      labelNames: ["outcome"] as const,
      registers,
    }),
    convergence: new Histogram({
      name: "romana_publisher_convergence_seconds",
      help: "From a change that was heard to BIRD having it",
      buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30],
      registers,
    }),
    failures: new Counter({
      name: "romana_publisher_errors_total",
      help: "Failures, by the part that failed",
      labelNames: ["part"] as const,
      registers,
    }),
    connected: new Gauge({
      name: "romana_publisher_daemon_connected",
      help: "1 while the watch of the daemon is open",
      registers,
    }),
    revision: new Gauge({
      name: "romana_publisher_mirror_revision",
      help: "Revision of the store up to which all was seen",
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
