// The same cluster in the words of core: what the daemon makes of Kubernetes' objects.
import { translateNetworkPolicy } from "../../../src/core/policy/kubernetes.ts";
import type { PolicyWorld } from "../../../src/core/policy/evaluate.ts";
import type { Packet } from "../../../src/core/policy/packet.ts";
import type { Policy, PolicyHost, PolicyPod, PortProtocol } from "../../../src/core/model/policy.ts";
import { parseIp } from "../../../src/core/net/ip.ts";
import type { Cluster, PacketJson, PodJson } from "./oracle.ts";
import { NODE_LIST } from "./worlds.ts";

const lower = (protocol: string): PortProtocol => protocol.toLowerCase() as PortProtocol;

export const corePod = ({ namespace, name, node, ips, ports, labels, hostNetwork }: PodJson): PolicyPod => ({
  id: `${namespace}/${name}`,
  tenant: namespace,
  ...{ labels, hostNetwork, host: node, ips: ips.map((ip) => parseIp(ip)) },
  ports: ports.map((port) => ({ name: port.name, protocol: lower(port.protocol), port: port.containerPort })),
});

const coreHost = ({ name, ips }: Cluster["nodes"][number]): PolicyHost => ({
  name,
  ips: ips.map((ip) => parseIp(ip)),
});
export const NODES_AS_HOSTS = NODE_LIST.map(coreHost);

const byName = <T, K extends keyof T>(list: readonly T[], key: K): Map<string, T> =>
  new Map(list.map((each) => [String(each[key]), each]));

export function coreWorld(
  { namespaces, nodes, pods, policies }: Cluster,
  more: readonly Policy[] = [],
): PolicyWorld {
  const translated = policies.flatMap((policy) => translateNetworkPolicy(policy).policies);
  return {
    policies: byName([...translated, ...more], "id"),
    tenants: byName(namespaces, "name"),
    pods: byName(pods.map(corePod), "id"),
    hosts: byName(nodes.map(coreHost), "name"),
  };
}

export function corePacket({ from, to, protocol, port }: PacketJson): Packet {
  const ends = { from: parseIp(from), to: parseIp(to) };
  if (port !== undefined) return { ...ends, protocol: lower(protocol), port };
  if (protocol !== "ICMP") return { ...ends, protocol: "other" };
  return { ...ends, protocol: from.includes(":") ? "icmpv6" : "icmp", type: 8, code: 0 };
}
