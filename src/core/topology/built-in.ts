// The topologies that ship with Romana (R9), as documents like those an operator writes.
import { awsZones } from "./aws-zones.ts";
import type { GroupJson, TopologyJson } from "./topology-document.ts";

/** `kubeadm`, `aws-us-east-1`, … */
export const builtInNames: readonly string[] = [
  "kubeadm",
  ...[...awsZones.keys()].map((each) => `aws-${each}`),
];

/** By name, or by cloud and region: ("aws-us-east-1"), ("aws", "us-east-1"). `undefined`: there is none of that name. */
export function builtInTopology(name: string, region = ""): TopologyJson | undefined {
  const full = region === "" ? name : `${name}-${region}`;
  if (full === "kubeadm") return kubeadm();
  const zones = full.startsWith("aws-") ? awsZones.get(full.slice("aws-".length)) : undefined;
  return zones && aws(zones);
}

/** Groups that take any host, the smallest first: for clusters whose nodes say nothing of where they are. */
function kubeadm(): TopologyJson {
  const network = "kubeadm-network";
  return {
    networks: [{ name: network, cidr: "10.112.0.0/12", block_mask: 29 }],
    topologies: [{ networks: [network], map: numbered("host-group", 8) }],
  };
}

/**
 * A group per zone, and in it groups that each have one node as router: so many that the route table of a VPC (50 routes
 * unless raised) holds one route to each with room to spare, 24 to 32 of them.
 */
function aws(zones: readonly string[]): TopologyJson {
  const network = "romana-network";
  const perZone = zones.length > 4 ? 4 : 8;
  const map = zones.map((zone) => ({
    name: zone,
    assignment: { "topology.kubernetes.io/zone": zone },
    groups: numbered(`${zone}-group`, perZone),
  }));
  return {
    networks: [{ name: network, cidr: "100.96.0.0/11", block_mask: 29 }],
    topologies: [{ networks: [network], map }],
  };
}

const numbered = (name: string, count: number): GroupJson[] =>
  Array.from({ length: count }, (_, i) => ({ name: `${name}-0${i + 1}`, groups: [] }));
