// What Romana's policies mean, in sentences, and how they combine with those of Kubernetes. (Kubernetes' own: the oracle.)
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFault } from "../../base/errors.ts";
import { parseIp } from "../net/ip.ts";
import type { Policy, PolicyPod } from "../model/policy.ts";
import { evaluate, type PolicyWorld } from "./evaluate.ts";
import { translateNetworkPolicy } from "./kubernetes.ts";
import type { Payload, Verdict } from "./packet.ts";
import { parsePolicies } from "./parse-policies.ts";

const pod = (id: string, ip: string, more: Partial<PolicyPod> = {}): PolicyPod => ({
  ...{ id, tenant: id.split("/")[0] ?? "", labels: {}, ips: [parseIp(ip)], host: "h1" },
  ...{ hostNetwork: false, ports: [], ...more },
});
const pods = [
  pod("shop/web", "10.0.0.1", { labels: { "romana.io/segment": "front", app: "web" } }),
  pod("shop/db", "10.0.0.2", {
    labels: { "romana.io/segment": "back", app: "db" },
    ports: [
      { name: "sql", protocol: "tcp", port: 5432 },
      { name: "sql", protocol: "tcp", port: 5433 },
      { name: "sql", protocol: "udp", port: 9 },
    ],
  }),
  pod("bank/db", "10.0.1.2", { host: "h2", ips: [parseIp("10.0.1.2"), parseIp("fd00::2")] }),
  pod("shop/proxy", "192.0.2.1", { hostNetwork: true, labels: { app: "web" } }),
];
const hosts = [
  { name: "h1", ips: [parseIp("192.0.2.1")] },
  { name: "h2", ips: [parseIp("192.0.2.2")] },
];
const addresses: Record<string, string> = {
  ...{ web: "10.0.0.1", db: "10.0.0.2", bank: "10.0.1.2", bank6: "fd00::2" },
  ...{ h1: "192.0.2.1", h2: "192.0.2.2", outside: "203.0.113.1", outside6: "2001:db8::1" },
};

function romana(...documents: object[]): Policy[] {
  const parsed = parsePolicies(documents);
  if (parsed.kind === "invalid") assert.fail(parsed.faults.map(describeFault).join("\n"));
  return [...parsed.policies];
}
const kubernetes = (name: string, spec: object): Policy[] => [
  ...translateNetworkPolicy({ metadata: { namespace: "shop", name }, spec }).policies,
];

function verdict(policies: readonly Policy[], from: string, to: string, payload: Payload): Verdict {
  const world: PolicyWorld = {
    policies: new Map(policies.map((each) => [each.id, each])),
    tenants: new Map([["shop", { name: "shop", labels: { team: "a" } }]]),
    pods: new Map(pods.map((each) => [each.id, each])),
    hosts: new Map(hosts.map((each) => [each.name, each])),
  };
  const ends = { from: parseIp(addresses[from] ?? ""), to: parseIp(addresses[to] ?? "") };
  return evaluate(world, { ...ends, ...payload }, { failsafePorts: [22] });
}

const tcp = (port: number): Payload => ({ protocol: "tcp", port });
const ping: Payload = { protocol: "icmp", type: 8, code: 0 };
const wall = (subject: object, direction = "ingress"): object => ({
  ...{ id: "wall", direction, applied_to: [subject] },
});
const back = { tenant_id: "shop", segment_id: "back" };
const open = (rule: object, peer: object = { peer: "any" }, more: object = {}): object => ({
  ...{ id: "open", applied_to: [back], ingress: [{ peers: [peer], rules: [rule] }], ...more },
});

const rows: [sentence: string, policies: Policy[], from: string, to: string, Payload, allowed: boolean][] = [
  ["without policies all is open", [], "outside", "db", tcp(1), true],
  ["a policy without rules isolates its segment", romana(wall(back)), "web", "db", tcp(1), false],
  ["and nobody else", romana(wall(back)), "db", "web", tcp(1), true],
  ["nor in the other direction", romana(wall(back)), "db", "outside", tcp(1), true],
  ["egress isolates what the subject sends", romana(wall(back, "egress")), "db", "outside", tcp(1), false],
  ["a host reaches its own pods all the same", romana(wall(back)), "h1", "db", tcp(1), true],
  ["but not those of others", romana(wall(back)), "h2", "db", tcp(1), false],
  [
    "a pod reaches itself",
    romana(wall(back), { ...wall(back, "egress"), id: "x" }),
    "db",
    "db",
    tcp(1),
    true,
  ],
  [
    "a pod does not reach its host past an egress policy",
    romana(wall(back, "egress")),
    "db",
    "h1",
    tcp(1),
    false,
  ],
  [
    "a rule opens its port",
    romana(wall(back), open({ protocol: "tcp", ports: [5] })),
    "web",
    "db",
    tcp(5),
    true,
  ],
  ["and no other", romana(wall(back), open({ protocol: "tcp", ports: [5] })), "web", "db", tcp(6), false],
  ["nor that of another protocol", romana(open({ protocol: "udp", ports: [5] })), "web", "db", tcp(5), false],
  ["ICMP by type", romana(open({ protocol: "icmp", icmp_type: 8 })), "web", "db", ping, true],
  ["and no other type", romana(open({ protocol: "icmp", icmp_type: 0 })), "web", "db", ping, false],
  [
    "nor another code",
    romana(open({ protocol: "icmp", icmp_type: 8, icmp_code: 1 })),
    "web",
    "db",
    ping,
    false,
  ],
  ["ICMPv6 is not ICMP", romana(open({ protocol: "icmpv6" })), "web", "db", ping, false],
  ["any is any protocol", romana(open({ protocol: "any" })), "web", "db", { protocol: "other" }, true],
  ["tcp is not any", romana(open({ protocol: "tcp" })), "web", "db", { protocol: "other" }, false],
  [
    "a name is all numbers that the pod gives it",
    romana(open({ protocol: "tcp", port_names: ["sql"] })),
    "web",
    "db",
    tcp(5433),
    true,
  ],
  ["of that protocol", romana(open({ protocol: "tcp", port_names: ["sql"] })), "web", "db", tcp(9), false],
  [
    "a name that no pod has is no port",
    romana(open({ protocol: "tcp", port_names: ["none"] })),
    "web",
    "db",
    tcp(5432),
    false,
  ],
  ["peer tenant", romana(open({ protocol: "any" }, { tenant_id: "bank" })), "bank", "db", tcp(1), true],
  [
    "and no other tenant",
    romana(open({ protocol: "any" }, { tenant_id: "bank" })),
    "web",
    "db",
    tcp(1),
    false,
  ],
  ["peer host is every host", romana(open({ protocol: "any" }, { peer: "host" })), "h2", "db", tcp(1), true],
  [
    "peer local is the pods of the subject's host",
    romana(open({ protocol: "any" }, { peer: "local" })),
    "web",
    "db",
    tcp(1),
    true,
  ],
  ["and no others", romana(open({ protocol: "any" }, { peer: "local" })), "bank", "db", tcp(1), false],
  [
    "peer cidr is addresses, of pods too",
    romana(open({ protocol: "any" }, { cidr: "10.0.0.0/31" })),
    "web",
    "db",
    tcp(1),
    true,
  ],
  [
    "but those excepted",
    romana(open({ protocol: "any" }, { cidr: "0.0.0.0/0", except: ["10.0.0.0/31"] })),
    "web",
    "db",
    tcp(1),
    false,
  ],
  [
    "pods on their host's network are no pods",
    romana(open({ protocol: "any" }, { tenant_id: "shop" })),
    "h2",
    "db",
    tcp(1),
    false,
  ],
  [
    "a target by prefix is pods with an address inside, in both families",
    romana(wall({ cidr: "10.0.1.0/24" })),
    "outside6",
    "bank6",
    tcp(1),
    false,
  ],
  ["local as a target is every pod", romana(wall({ dest: "local" })), "outside", "bank", tcp(1), false],
  ["a host as a target is every host", romana(wall({ dest: "host" })), "outside", "h2", tcp(1), false],
  ["and no pod", romana(wall({ dest: "host" })), "outside", "db", tcp(1), true],
  ["failsafe ports of hosts are never cut", romana(wall({ dest: "host" })), "outside", "h2", tcp(22), true],
  ["in either direction", romana(wall({ dest: "host" }, "egress")), "h2", "outside", tcp(22), true],
  ["but of TCP only", romana(wall({ dest: "host" })), "outside", "h2", { protocol: "udp", port: 22 }, false],
  ["they are none of pods", romana(wall(back)), "outside", "db", tcp(22), false],
  [
    "pods of a host to it, where it allows them",
    romana(open({ protocol: "udp", ports: [67] }, { peer: "local" }, { applied_to: [{ dest: "host" }] })),
    "web",
    "h1",
    { protocol: "udp", port: 67 },
    true,
  ],
  [
    "Kubernetes isolates, Romana opens",
    [...kubernetes("p", {}), ...romana(open({ protocol: "any" }))],
    "bank",
    "db",
    tcp(1),
    true,
  ],
  [
    "Romana isolates, Kubernetes opens",
    [...kubernetes("p", { ingress: [{}] }), ...romana(wall(back))],
    "bank",
    "db",
    tcp(1),
    true,
  ],
  [
    "both ends must allow",
    [...kubernetes("p", { ingress: [{}] }), ...romana(wall({ tenant_id: "bank" }, "egress"))],
    "bank",
    "db",
    tcp(1),
    false,
  ],
];
for (const [sentence, policies, from, to, payload, allowed] of rows)
  test(`${sentence} (${from} to ${to}: ${allowed ? "allowed" : "denied"})`, () => {
    assert.equal(verdict(policies, from, to, payload).allowed, allowed);
  });

test("the verdict names the first policy by id that allows and its rule, or all that deny", () => {
  const opening = open({ protocol: "any" }, { tenant_id: "bank" });
  const policies = romana({ ...wall(back), id: "a" }, { ...opening, id: "c" }, { ...opening, id: "b" });
  assert.deepEqual(verdict(policies, "bank", "db", tcp(1)), {
    ...{ allowed: true, egress: { kind: "open" } },
    ingress: { kind: "allowed", policy: "b", rule: 0 },
  });
  assert.deepEqual(verdict(policies, "web", "db", tcp(1)), {
    ...{ allowed: false, egress: { kind: "open" } },
    ingress: { kind: "denied", policies: ["a", "b", "c"] },
  });
});
