// Lines of the watch, short to write in tests.
import type { WatchLine } from "../../src/core/api/types.ts";

export const hostLine = (name: string, ...ips: string[]): WatchLine => ({
  type: "put",
  kind: "host",
  key: name,
  revision: 1,
  value: { ip: ips[0] ?? "", ips, name, agent_port: 9607, tags: {}, k8s_info: {}, groups: [] },
});
export const blockLine = (cidr: string, host: string): WatchLine => ({
  type: "put",
  kind: "block",
  key: cidr,
  revision: 1,
  value: { cidr, host, tenant: "t", segment: "s", network: "n", group: "g" },
});
export const goneLine = (kind: "host" | "block", key: string): WatchLine => ({
  type: "delete",
  kind,
  key,
  revision: 1,
});
/** A whole world, as a stream begins. */
export const worldLines = (...lines: WatchLine[]): WatchLine[] => [
  { type: "reset", cluster: "c" },
  ...lines,
  { type: "synced", revision: 1 },
];
