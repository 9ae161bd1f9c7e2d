// A node's pods in memory.
import type { AgentEndpoint, Endpoints } from "../../src/apps/agent/endpoints.ts";

/** Pods by the index of their host end. */
export function createFakeEndpoints(pods: Readonly<Record<number, readonly string[]>> = {}): Endpoints {
  const alive = new Map(
    Object.entries(pods).map(([index, ips]) => [`pod-${index}`, endpoint(Number(index), ips)]),
  );
  return {
    get: (name) => alive.get(name),
    list: () => [...alive.values()],
    alive: () => [...alive.values()],
    add: (added) => void alive.set(added.name, added),
    leave: (name) => void alive.delete(name),
    leaveLink: (index) => {
      for (const { name, hostIndex } of alive.values()) if (hostIndex === index) alive.delete(name);
    },
    remove: async (name) => void alive.delete(name),
  };
}

export const endpoint = (hostIndex: number, ips: readonly string[]): AgentEndpoint => ({
  ...{ name: `pod-${hostIndex}`, ips, tenant: "t", segment: "s", sequence: 1, network: "romana" },
  ...{ containerId: "c", ifname: "eth0", netns: "", hostInterface: `rom${hostIndex}`, hostIndex, mtu: 1500 },
});
