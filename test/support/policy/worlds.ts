// Small clusters in which everything collides: few namespaces, labels, ports and prefixes, both families, names of ports that
// mean other numbers on other pods, blocks of addresses with pods of others in them.
import fc from "fast-check";
import type { PolicyBlock } from "../../../src/core/model/policy.ts";
import { parseCidr } from "../../../src/core/net/cidr.ts";
import type {
  Cluster,
  LabelSelectorJson,
  NetworkPolicyJson,
  PacketJson,
  PeerJson,
  PodJson,
  PortJson,
} from "./oracle.ts";

const NAMESPACES = ["a", "b", "c"];
const NODES = ["n1", "n2", "n3"];
const SEGMENT = "romana.io/segment";
const PORTS = [80, 81, 8080];
const PROTOCOLS = ["TCP", "UDP", "SCTP"];
export const OUTSIDE_IPS = ["10.0.9.9", "203.0.113.5", "fd00:9::9", "2001:db8::5"];
const BLOCKS = ["10.0.0.0/30", "10.0.0.4/30", "10.0.0.8/30", "fd00::/126", "fd00::4/126", "fd00::8/126"];
/** Addresses 0 to 15 of each family: in a block up to 11. */
const addressOf = (family: 4 | 6, n: number): string =>
  family === 4 ? `10.0.0.${n}` : `fd00::${n.toString(16)}`;
const CIDRS = [
  ...[
    "0.0.0.0/0",
    "10.0.0.0/28",
    "10.0.0.0/29",
    "10.0.0.4/30",
    "10.0.0.5/32",
    "192.0.2.0/24",
    "203.0.113.0/24",
  ],
  ...["::/0", "fd00::/124", "fd00::/125", "fd00::4/126", "fd00::5/128", "2001:db8::/32"],
];
const nodeIps = (i: number): string[] => [`192.0.2.${i + 1}`, `2001:db8:2::${i + 1}`];

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const some = <T>(value: fc.Arbitrary<T>, max: number, min = 0): fc.Arbitrary<T[]> =>
  fc.array(value, { minLength: min, maxLength: max });
/** A record in which each field may be missing. */
const partly = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;

const labels = partly<Record<string, string>>({
  app: pick("x", "y"),
  [SEGMENT]: pick("s", "t"),
}) as fc.Arbitrary<Record<string, string>>;
const namespaceLabels = partly<Record<string, string>>({
  team: pick("x", "y"),
  app: pick("x", "y"),
}) as fc.Arbitrary<Record<string, string>>;

const selectorOf = (keys: readonly string[]): fc.Arbitrary<LabelSelectorJson> => {
  const key = pick(...keys);
  const values = some(pick("x", "y", "s", "t"), 2, 1);
  return partly<LabelSelectorJson>({
    matchLabels: fc.dictionary(key, pick("x", "y", "s"), { maxKeys: 1 }),
    matchExpressions: some(
      fc.oneof(
        fc.record({ key, operator: pick("In", "NotIn"), values }),
        fc.record({ key, operator: pick("Exists", "DoesNotExist") }),
      ),
      1,
    ),
  });
};
const podSelector = fc.oneof(fc.constant({}), selectorOf(["app", SEGMENT]), selectorOf([SEGMENT]));
const namespaceSelector = fc.oneof(fc.constant({}), selectorOf(["team", "app"]));

const ipBlock = pick(...CIDRS).chain((cidr) => {
  const inside = CIDRS.filter((each) => each !== cidr && isInside(each, cidr));
  if (inside.length === 0) return fc.constant({ cidr });
  return partly<{ except: string[] }>({ except: some(pick(...inside), 2) }).map((except) => ({
    cidr,
    ...except,
  }));
});
/** Of the list above, where that can be told by the eye. */
function isInside(inner: string, outer: string): boolean {
  const [a, b] = [parseCidr(inner), parseCidr(outer)];
  const bits = BigInt((b.ip.family === 4 ? 32 : 128) - b.length);
  return a.ip.family === b.ip.family && a.length > b.length && a.ip.value >> bits === b.ip.value >> bits;
}

const peer: fc.Arbitrary<PeerJson> = fc.oneof(
  fc.record({ podSelector }),
  fc.record({ namespaceSelector }),
  fc.record({ podSelector, namespaceSelector }),
  fc.record({ ipBlock }),
);
const port: fc.Arbitrary<PortJson> = fc
  .tuple(
    partly<PortJson>({ protocol: pick(...PROTOCOLS) }),
    fc.oneof(
      fc.constant({}),
      fc.record({ port: pick<number | string>(80, 81, "web", "dns") }),
      fc.record({ port: pick(80), endPort: pick(80, 81, 9000) }),
    ),
  )
  .map(([protocol, number]) => ({ ...protocol, ...number }));

const policy = (i: number): fc.Arbitrary<NetworkPolicyJson> =>
  fc.record({
    metadata: pick(...NAMESPACES).map((namespace) => ({ namespace, name: `p${i}` })),
    spec: partly<NetworkPolicyJson["spec"]>({
      podSelector,
      policyTypes: pick<string[]>(["Ingress"], ["Egress"], ["Ingress", "Egress"], []),
      ingress: some(partly({ from: some(peer, 2), ports: some(port, 2) }), 2),
      egress: some(partly({ to: some(peer, 2), ports: some(port, 2) }), 2),
    }),
  });
/** Policies with names of their own. */
export const networkPolicies = fc
  .tuple(...[0, 1, 2, 3, 4].map((i) => fc.option(policy(i), { nil: undefined })))
  .map((list) => list.filter((each) => each !== undefined));

const podPorts = some(
  fc.record({ name: pick("web", "dns"), protocol: pick("TCP", "TCP", "UDP"), containerPort: pick(...PORTS) }),
  3,
);

/** A pod, where `slot` gives it addresses that no other slot has. */
export const podIn = (slot: number, namespaces: readonly string[] = NAMESPACES): fc.Arbitrary<PodJson> =>
  fc
    .record({
      namespace: pick(...namespaces),
      labels,
      node: pick(...NODES),
      hostNetwork: pick(false, false, false, false, true),
      families: pick<(4 | 6)[]>([4], [4, 6], [4, 6], [6]),
      ports: podPorts,
    })
    .map(({ families, node, hostNetwork, ...pod }) => {
      const ips = hostNetwork
        ? nodeIps(NODES.indexOf(node))
        : families.map((family) => addressOf(family, slot));
      return { ...pod, name: `pod${slot}`, node, hostNetwork, ips };
    });

/** Slots in the order of blocks, some outside of any. */
export const SLOTS = [0, 1, 2, 4, 5, 8, 12, 13];

export const namespacesOf: fc.Arbitrary<Cluster["namespaces"]> = fc
  .tuple(...NAMESPACES.map(() => fc.option(namespaceLabels, { nil: undefined })))
  .map((list) => list.flatMap((each, i) => (each ? [{ name: NAMESPACES[i] ?? "", labels: each }] : [])));

export const NODE_LIST: Cluster["nodes"] = NODES.map((name, i) => ({ name, ips: nodeIps(i) }));

export const clusters: fc.Arbitrary<Cluster> = fc.record({
  namespaces: namespacesOf,
  nodes: fc.constant(NODE_LIST),
  pods: fc
    .tuple(...SLOTS.map((slot) => fc.option(podIn(slot), { nil: undefined })))
    .map((pods) => pods.filter((pod) => pod !== undefined)),
  policies: networkPolicies,
});

/** The blocks of the addresses, each with an owner that need not be that of the pods inside. */
export const blockOf = (i: number): fc.Arbitrary<PolicyBlock> =>
  fc.record({
    cidr: fc.constant(parseCidr(BLOCKS[i] ?? "")),
    host: pick(...NODES),
    tenant: pick(...NAMESPACES),
    segment: pick("", "s", "t"),
  });
export const BLOCK_COUNT = BLOCKS.length;

/** From and to anybody: pods, nodes, outside; never an address of a block that no pod has, as nobody can send from it. */
export const packetsOf = ({ pods, nodes }: Pick<Cluster, "pods" | "nodes">): fc.Arbitrary<PacketJson> => {
  const ips = [...pods, ...nodes].flatMap((each) => each.ips);
  const ends = [...new Set([...ips, ...OUTSIDE_IPS])];
  return pick(...ends).chain((from) => {
    const sameFamily = ends.filter((to) => to.includes(":") === from.includes(":"));
    return fc
      .tuple(pick(...sameFamily), pick(...PROTOCOLS, "TCP", "ICMP", "GRE"), pick(...PORTS, 6443))
      .map(([to, protocol, number]) =>
        PROTOCOLS.includes(protocol) ? { from, to, protocol, port: number } : { from, to, protocol },
      );
  });
};
