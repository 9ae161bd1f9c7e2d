// A small node under policies of both kinds: what its table looks like is in node-ruleset.nft.
import type { NodePolicy } from "../../model/node-policy.ts";
import type { PolicyPod } from "../../model/policy.ts";
import { parseCidr } from "../../net/cidr.ts";
import { parseIp } from "../../net/ip.ts";
import { translateNetworkPolicy } from "../../policy/kubernetes.ts";
import { parsePolicies } from "../../policy/parse-policies.ts";
import { createPolicyIndex, type WorldChange } from "../../policy/policy-index.ts";
import type { RulesetNode } from "../node-ruleset.ts";

const web = ["10.0.0.1", "fd00::1"];
const db = ["10.0.0.2", "fd00::2"];
const pod = (name: string, ips: readonly string[], more: Partial<PolicyPod>): PolicyPod => ({
  ...{ id: `shop/${name}`, tenant: "shop", labels: { app: name }, ips: ips.map((ip) => parseIp(ip)) },
  ...{ host: "h1", hostNetwork: false, ports: [], ...more },
});

const kubernetes = translateNetworkPolicy({
  metadata: { namespace: "shop", name: "db" },
  spec: {
    podSelector: { matchLabels: { app: "db" } },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      {
        from: [
          { podSelector: { matchLabels: { app: "web" } } },
          { ipBlock: { cidr: "192.0.2.0/24", except: ["192.0.2.1/32"] } },
        ],
        ports: [{ port: "sql" }, { port: 9000, endPort: 9010 }, { protocol: "UDP", port: 53 }],
      },
    ],
    egress: [{ to: [{ namespaceSelector: {} }], ports: [{ protocol: "SCTP", port: "signal" }] }],
  },
});
const romana = parsePolicies([
  { id: "ping", applied_to: [{ tenant_id: "shop" }], ingress: [{ peers: [{ peer: "any" }], rules: [{ protocol: "icmp", icmp_type: 8 }] }] },
  { id: "hosts", applied_to: [{ dest: "host" }], ingress: [{ peers: [{ tenant_id: "shop" }], rules: [{ protocol: "tcp", ports: [80] }] }] },
  { id: "hosts out", direction: "egress", applied_to: [{ dest: "host" }], ingress: [{ peers: [{ peer: "any" }], rules: [{ protocol: "any" }] }] },
]);

const changes: WorldChange[] = [
  ...kubernetes.policies.map((policy): WorldChange => ({ kind: "put-policy", policy })),
  ...(romana.kind === "valid" ? romana.policies : []).map((policy): WorldChange => ({ kind: "put-policy", policy })),
  { kind: "put-tenant", tenant: { name: "shop", labels: {} } },
  { kind: "put-host", host: { name: "h1", ips: [parseIp("192.0.2.10")] } },
  { kind: "put-pod", pod: pod("web", web, { ports: [{ name: "signal", protocol: "sctp", port: 2905 }] }) },
  { kind: "put-pod", pod: pod("db", db, { ports: [{ name: "sql", protocol: "tcp", port: 5432 }] }) },
  {
    kind: "put-block",
    block: { cidr: parseCidr("10.0.0.0/29"), host: "h1", tenant: "shop", segment: "" },
  },
];

export function smallNode(): { policy: NodePolicy; node: RulesetNode } {
  const index = createPolicyIndex();
  index.apply(changes);
  const endpoints = [
    { pod: "shop/web", hostInterface: "rom1", ips: web.map((ip) => parseIp(ip)) },
    { pod: "shop/db", hostInterface: "rom2", ips: db.map((ip) => parseIp(ip)) },
    { pod: undefined, hostInterface: "rom3", ips: [parseIp("10.0.1.1")] },
  ];
  const known = ["10.0.0.0/8", "10.0.0.0/29", "192.0.2.10/32", "192.0.2.11/32", "fd00::/64"].map((text) => parseCidr(text));
  const node = { endpoints, failsafePorts: [22, 6443], families: [4, 6] as const, masquerade: { known, outInterface: "" } };
  return { policy: index.nodePolicy("h1"), node };
}
