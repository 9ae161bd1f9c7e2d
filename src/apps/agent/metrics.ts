// All metrics of the agent, in one typed tree. Never an address or a pod as a label.
import { Counter, Gauge, Histogram, Registry } from "prom-client";

// long: a table of metrics
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    routes: new Gauge({
      name: "romana_agent_managed_routes",
      help: "Routes of ours in the kernel",
      registers,
    }),
    changes: new Counter({
      name: "romana_agent_route_changes_total",
      help: "Routes and rules added, changed and removed",
      labelNames: ["change"] as const,
      registers,
    }),
    failures: new Counter({
      name: "romana_agent_errors_total",
      help: "Failures, by the part that failed",
      labelNames: ["part"] as const,
      registers,
    }),
    sync: new Histogram({
      name: "romana_agent_sync_duration_seconds",
      help: "One pass: compute, observe, plan, apply",
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    sets: new Gauge({
      name: "romana_agent_managed_sets",
      help: "Sets and maps of the packet filter",
      registers,
    }),
    rules: new Gauge({
      name: "romana_agent_managed_rules",
      help: "Rules of the packet filter",
      registers,
    }),
    tableChanges: new Counter({
      name: "romana_agent_table_changes_by_others_total",
      help: "Times that somebody else changed the table inet romana, and it was looked at anew",
      registers,
    }),
    denied: new Counter({
      name: "romana_agent_denied_packets_total",
      help: "Packets that no policy of a list allowed, as the kernel counts them",
      labelNames: ["direction", "policies"] as const,
      registers,
    }),
    filterSync: new Histogram({
      name: "romana_agent_filter_sync_duration_seconds",
      help: "One pass over the packet filter: compute, plan, apply",
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 0.5, 2],
      registers,
    }),
    connected: new Gauge({
      name: "romana_agent_daemon_connected",
      help: "1 while the watch of the daemon is open",
      registers,
    }),
    revision: new Gauge({
      name: "romana_agent_mirror_revision",
      help: "Revision of the store up to which this node has seen all",
      registers,
    }),
    blocks: new Gauge({ name: "romana_agent_mirror_blocks", help: "Blocks this node knows of", registers }),
    endpoints: new Gauge({ name: "romana_agent_endpoints", help: "Pods attached on this node", registers }),
    strays: new Counter({
      name: "romana_agent_strays_released_total",
      help: "Endpoints that were released as the container runtime has no such sandbox",
      registers,
    }),
    cniRequests: new Counter({
      name: "romana_agent_cni_requests_total",
      help: "CNI requests",
      labelNames: ["command", "outcome"] as const,
      registers,
    }),
    cni: new Histogram({
      name: "romana_agent_cni_request_duration_seconds",
      help: "From request to reply",
      labelNames: ["command"] as const,
      buckets: [0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1, 5],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
