// What Kubernetes' documentation says of NetworkPolicy, word for word and one sentence after the other, over plain JSON. It shares
// nothing with the code under test: addresses are text, prefixes are looked up by node's own BlockList.
// Sources: concepts/services-networking/network-policies and the reference of networking.k8s.io/v1 NetworkPolicy.
import { BlockList, isIPv6 } from "node:net";

export type LabelSelectorJson = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
};
export type PeerJson = {
  podSelector?: LabelSelectorJson;
  namespaceSelector?: LabelSelectorJson;
  ipBlock?: { cidr: string; except?: string[] };
};
export type PortJson = { protocol?: string; port?: number | string; endPort?: number };
export type NetworkPolicyJson = {
  metadata: { namespace: string; name: string };
  spec: {
    podSelector?: LabelSelectorJson;
    policyTypes?: string[];
    ingress?: { from?: PeerJson[]; ports?: PortJson[] }[];
    egress?: { to?: PeerJson[]; ports?: PortJson[] }[];
  };
};

export type PodJson = {
  namespace: string;
  name: string;
  labels: Record<string, string>;
  ips: string[];
  node: string;
  hostNetwork: boolean;
  ports: { name: string; protocol: string; containerPort: number }[];
};
export type Cluster = {
  namespaces: { name: string; labels: Record<string, string> }[];
  nodes: { name: string; ips: string[] }[];
  pods: PodJson[];
  policies: NetworkPolicyJson[];
};
/** `protocol`: TCP, UDP, SCTP, or anything else, which has no port. */
export type PacketJson = { from: string; to: string; protocol: string; port?: number };

export function kubernetesAllows(cluster: Cluster, packet: PacketJson): boolean {
  const source = podAt(cluster, packet.from);
  const destination = podAt(cluster, packet.to);
  // "A Pod cannot block access to itself."
  if (source && source === destination) return true;
  // "... the only allowed connections into the Pod are those from the Pod's node and those allowed by the ingress list"
  const node = cluster.nodes.find(({ name }) => name === destination?.node);
  if (destination && node?.ips.includes(packet.from)) return true;
  return egressAllows(cluster, source, packet) && ingressAllows(cluster, destination, packet);
}

/** Pods on the network of their node have no identity of their own. */
const podAt = ({ pods }: Cluster, ip: string): PodJson | undefined =>
  pods.find((pod) => !pod.hostNetwork && pod.ips.includes(ip));

/** "By default, a pod is non-isolated for egress; all outbound connections are allowed." */
function egressAllows(cluster: Cluster, pod: PodJson | undefined, packet: PacketJson): boolean {
  if (!pod) return true;
  const applying = cluster.policies.filter(
    (policy) => applies(policy, pod) && typesOf(policy).includes("Egress"),
  );
  if (applying.length === 0) return true;
  return applying.some(({ metadata, spec }) =>
    (spec.egress ?? []).some(
      ({ to, ports }) =>
        peersMatch(cluster, metadata.namespace, to, packet.to) && portsMatch(cluster, ports, packet),
    ),
  );
}

/** "By default, a pod is non-isolated for ingress; all inbound connections are allowed." */
function ingressAllows(cluster: Cluster, pod: PodJson | undefined, packet: PacketJson): boolean {
  if (!pod) return true;
  const applying = cluster.policies.filter(
    (policy) => applies(policy, pod) && typesOf(policy).includes("Ingress"),
  );
  if (applying.length === 0) return true;
  return applying.some(({ metadata, spec }) =>
    (spec.ingress ?? []).some(
      ({ from, ports }) =>
        peersMatch(cluster, metadata.namespace, from, packet.from) && portsMatch(cluster, ports, packet),
    ),
  );
}

/** "podSelector selects the pods to which this NetworkPolicy object applies ... An empty selector matches all pods in the policy's namespace." */
const applies = ({ metadata, spec }: NetworkPolicyJson, pod: PodJson): boolean =>
  pod.namespace === metadata.namespace && selects(spec.podSelector ?? {}, pod.labels);

/** "If no policyTypes are specified ... Ingress will always be set and Egress will be set if the NetworkPolicy has any egress rules." */
function typesOf({ spec }: NetworkPolicyJson): string[] {
  if (spec.policyTypes && spec.policyTypes.length > 0) return spec.policyTypes;
  return spec.egress && spec.egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
}

/** "If this field is empty or missing, this rule matches all sources (destinations)." */
function peersMatch(cluster: Cluster, namespace: string, peers: PeerJson[] | undefined, ip: string): boolean {
  if (!peers || peers.length === 0) return true;
  return peers.some((peer) => peerMatches(cluster, namespace, peer, ip));
}

function peerMatches(cluster: Cluster, namespace: string, peer: PeerJson, ip: string): boolean {
  if (peer.ipBlock) {
    const { cidr, except = [] } = peer.ipBlock;
    return inCidr(ip, cidr) && !except.some((each) => inCidr(ip, each));
  }
  const pod = podAt(cluster, ip);
  if (!pod) return false;
  const labels = cluster.namespaces.find(({ name }) => name === pod.namespace)?.labels ?? {};
  const inNamespace = peer.namespaceSelector
    ? selects(peer.namespaceSelector, labels)
    : pod.namespace === namespace;
  return inNamespace && (!peer.podSelector || selects(peer.podSelector, pod.labels));
}

/** "If this field is empty or missing, this rule matches all ports (traffic not restricted by port)." */
function portsMatch(cluster: Cluster, ports: PortJson[] | undefined, packet: PacketJson): boolean {
  if (!ports || ports.length === 0) return true;
  return ports.some((port) => portMatches(cluster, port, packet));
}

function portMatches(
  cluster: Cluster,
  { protocol = "TCP", port, endPort }: PortJson,
  packet: PacketJson,
): boolean {
  if (packet.protocol !== protocol) return false;
  // "If this field is not provided, this matches all port names and numbers."
  if (port === undefined) return true;
  // "This can either be a numerical or named port on a pod."
  if (typeof port === "string") {
    const pod = podAt(cluster, packet.to);
    return (pod?.ports ?? []).some(
      (each) => each.name === port && each.protocol === protocol && each.containerPort === packet.port,
    );
  }
  // "endPort indicates that the range of ports from port to endPort if set, inclusive, should be allowed."
  return packet.port !== undefined && packet.port >= port && packet.port <= (endPort ?? port);
}

/** "The requirements are ANDed. An empty label selector matches all objects." */
function selects(
  { matchLabels = {}, matchExpressions = [] }: LabelSelectorJson,
  labels: Record<string, string>,
): boolean {
  const has = (key: string): boolean => key in labels;
  return (
    Object.entries(matchLabels).every(([key, value]) => has(key) && labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === "In") return has(key) && values.includes(labels[key] ?? "");
      if (operator === "NotIn") return !has(key) || !values.includes(labels[key] ?? "");
      return operator === "Exists" ? has(key) : !has(key);
    })
  );
}

function inCidr(ip: string, cidr: string): boolean {
  const [address = "", length] = cidr.split("/");
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(address, Number(length), family);
  return isIPv6(ip) === (family === "ipv6") && list.check(ip, family);
}
