// All metrics of the daemon in one typed tree. Never labels by address, pod or host.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export type DaemonMetrics = ReturnType<typeof createMetrics>;

// long: the list of metrics
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requests: new Counter({
      name: "romana_daemon_requests_total",
      help: "Requests answered, by route and status.",
      labelNames: ["route", "status"] as const,
      registers,
    }),
    denied: new Counter({
      name: "romana_daemon_denied_total",
      help: "Requests denied, by reason.",
      labelNames: ["reason"] as const,
      registers,
    }),
    allocations: new Counter({
      name: "romana_daemon_allocations_total",
      help: "Allocations and releases, by outcome.",
      labelNames: ["kind", "outcome"] as const,
      registers,
    }),
    transactions: new Counter({
      name: "romana_daemon_transactions_total",
      help: "Transactions of the writer, by outcome.",
      labelNames: ["outcome"] as const,
      registers,
    }),
    batch: new Histogram({
      name: "romana_daemon_batch_requests",
      help: "Requests merged into one transaction.",
      buckets: [1, 2, 4, 8, 16, 32],
      registers,
    }),
    commitSeconds: new Histogram({
      name: "romana_daemon_commit_seconds",
      help: "Time of one transaction.",
      buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1, 5],
      registers,
    }),
    watchers: new Gauge({
      name: "romana_daemon_watchers",
      help: "Open watch streams.",
      registers,
    }),
    blocks: new Gauge({ name: "romana_daemon_blocks", help: "Blocks in use.", registers }),
    addresses: new Gauge({ name: "romana_daemon_addresses", help: "Addresses in use.", registers }),
    hosts: new Gauge({ name: "romana_daemon_hosts", help: "Hosts known.", registers }),
    leader: new Gauge({
      name: "romana_daemon_leader",
      help: "1 where this daemon leads: of all replicas one does the work that is done once.",
      registers,
    }),
    lag: new Gauge({
      name: "romana_daemon_lag_seconds",
      help: "How old what this daemon knows of the store may be.",
      registers,
    }),
    leaksFreed: new Counter({
      name: "romana_daemon_leaks_freed_total",
      help: "Leaked addresses freed.",
      registers,
    }),
    findings: new Gauge({
      name: "romana_daemon_ipam_findings",
      help: "What a check of address management found, by kind; on the daemon that leads.",
      labelNames: ["kind"] as const,
      registers,
    }),
    groupAddresses: new Gauge({
      name: "romana_daemon_group_addresses",
      help: "Addresses of a group with all below it, by state; on the daemon that leads.",
      labelNames: ["network", "group", "state"] as const,
      registers,
    }),
    errors: new Counter({
      name: "romana_daemon_errors_total",
      help: "Failures of the daemon's loops, by loop.",
      labelNames: ["loop"] as const,
      registers,
    }),
  };
}
