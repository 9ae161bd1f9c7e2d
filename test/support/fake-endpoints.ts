// A node's pods in memory.
import type { AgentEndpoint, Endpoints } from "../../src/apps/agent/endpoints.ts";

/** Pods by the index of their host end. */
export function createFakeEndpoints(pods: Readonly<Record<number, readonly string[]>> = {}): Endpoints {
  const endpoints = new Map(
    Object.entries(pods).map(([index, ips]) => [`pod-${index}`, endpoint(Number(index), ips)]),
  );
  const leaving = new Set<string>();
  return {
    get: (name) => endpoints.get(name),
    list: () => [...endpoints.values()],
    alive: () => [...endpoints.values()].filter(({ name }) => !leaving.has(name)),
    add: async (added) => {
      endpoints.set(added.name, added);
      leaving.delete(added.name);
    },
    leave: (name) => void leaving.add(name),
    leaveLink: (index) => {
      for (const { name, hostIndex } of endpoints.values()) if (hostIndex === index) leaving.add(name);
    },
    remove: async (name) => void endpoints.delete(name),
  };
}

export const endpoint = (hostIndex: number, ips: readonly string[]): AgentEndpoint => ({
  ...{ name: `pod-${hostIndex}`, ips, tenant: "t", segment: "s", sequence: 1, network: "romana" },
  ...{ containerId: "c", ifname: "eth0", netns: "", hostInterface: `rom${hostIndex}`, hostIndex, mtu: 1500 },
});
