import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFault } from "../../base/errors.ts";
import { translateNetworkPolicy } from "./kubernetes.ts";
import { policyDocument, type PolicyJson } from "./policy-document.ts";

const metadata = { namespace: "shop", name: "web.v1" };
const policiesOf = (spec: unknown): PolicyJson[] =>
  translateNetworkPolicy({ metadata, spec }).policies.map(policyDocument);
const faultsOf = (object: unknown): string[] =>
  translateNetworkPolicy(object).faults.map((fault) => `${fault.code} ${describeFault(fault)}`);

const everything = { peers: [{ peer: "any" }], rules: [{ protocol: "any" }] };
const own = { tenant_id: "shop" };

test("an object becomes a policy for each direction, with an id made of its names and a description", () => {
  const spec = { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress", "Egress"] };
  const common = {
    description: "NetworkPolicy shop/web.v1",
    applied_to: [{ tenant_id: "shop", pod_selector: { matchLabels: { app: "web" } } }],
    ingress: [],
  };
  assert.deepEqual(policiesOf(spec), [
    { id: "kube.shop.web.v1.ingress", direction: "ingress", ...common },
    { id: "kube.shop.web.v1.egress", direction: "egress", ...common },
  ]);
});

const types: [name: string, spec: object, directions: string[]][] = [
  ["none given: ingress", {}, ["ingress"]],
  ["an empty list is none given", { policyTypes: [] }, ["ingress"]],
  ["none given, but an egress rule: both", { egress: [{}] }, ["ingress", "egress"]],
  ["none given, an empty egress list: ingress", { egress: [] }, ["ingress"]],
  ["null is not given", { policyTypes: null, ingress: null, egress: null }, ["ingress"]],
  ["egress alone, whatever rules there are", { policyTypes: ["Egress"], ingress: [{}] }, ["egress"]],
  ["a type twice counts once", { policyTypes: ["Egress", "Egress"] }, ["egress"]],
];
for (const [name, spec, directions] of types)
  test(`policy types: ${name}`, () => {
    assert.deepEqual(
      policiesOf({ podSelector: {}, ...spec }).map(({ direction }) => direction),
      directions,
    );
  });

test("an empty podSelector, and a missing one, is all pods of the namespace", () => {
  for (const spec of [{ podSelector: {} }, {}, { podSelector: null }])
    assert.deepEqual(policiesOf(spec)[0]?.applied_to, [own]);
});

test("rules of a direction that is not isolated are left out", () => {
  assert.deepEqual(policiesOf({ podSelector: {}, policyTypes: ["Egress"], ingress: [{}] })[0]?.ingress, []);
});

const rules: [name: string, rule: object, expected: object][] = [
  ["a rule without anything allows all", {}, everything],
  ["empty lists allow all", { from: [], ports: [] }, everything],
  ["null lists allow all", { from: null, ports: null }, everything],
  [
    "podSelector alone is of this namespace",
    { from: [{ podSelector: {} }] },
    { ...everything, peers: [own] },
  ],
  [
    "namespaceSelector alone is all pods of those namespaces",
    { from: [{ namespaceSelector: { matchLabels: { team: "x" } } }] },
    { ...everything, peers: [{ namespace_selector: { matchLabels: { team: "x" } } }] },
  ],
  [
    "an empty namespaceSelector is every namespace",
    { from: [{ namespaceSelector: {} }] },
    { ...everything, peers: [{ namespace_selector: {} }] },
  ],
  [
    "both together must both hold",
    { from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: "db" } } }] },
    { ...everything, peers: [{ namespace_selector: {}, pod_selector: { matchLabels: { app: "db" } } }] },
  ],
  [
    "apart they are two peers",
    { from: [{ namespaceSelector: {} }, { podSelector: { matchLabels: { app: "db" } } }] },
    {
      ...everything,
      peers: [{ namespace_selector: {} }, { ...own, pod_selector: { matchLabels: { app: "db" } } }],
    },
  ],
  [
    "the segment's label is a segment",
    { from: [{ podSelector: { matchLabels: { "romana.io/segment": "front" } } }] },
    { ...everything, peers: [{ ...own, segment_id: "front" }] },
  ],
  [
    "blocks of both families, host bits mean nothing",
    {
      from: [
        { ipBlock: { cidr: "10.1.2.3/8", except: ["10.1.2.3/24"] } },
        { ipBlock: { cidr: "FD00::1/64" } },
      ],
    },
    { ...everything, peers: [{ cidr: "10.0.0.0/8", except: ["10.1.2.0/24"] }, { cidr: "fd00::/64" }] },
  ],
  [
    "a port without a protocol is TCP, a protocol without a port is all its ports",
    { ports: [{ port: 80 }, { protocol: "UDP" }, { protocol: "SCTP", port: 7, endPort: 9 }] },
    {
      ...everything,
      rules: [
        { protocol: "tcp", ports: [80] },
        { protocol: "udp" },
        { protocol: "sctp", port_ranges: [[7, 9]] },
      ],
    },
  ],
  [
    "a port by name",
    { ports: [{ port: "web" }, { port: "web", protocol: "UDP" }] },
    {
      ...everything,
      rules: [
        { protocol: "tcp", port_names: ["web"] },
        { protocol: "udp", port_names: ["web"] },
      ],
    },
  ],
  [
    "an end that is the port itself",
    { ports: [{ port: 80, endPort: 80 }] },
    { ...everything, rules: [{ protocol: "tcp", ports: [80] }] },
  ],
];
for (const [name, rule, expected] of rules)
  test(`a rule: ${name}`, () => {
    const result = translateNetworkPolicy({ metadata, spec: { podSelector: {}, ingress: [rule] } });
    assert.deepEqual(result.faults, []);
    assert.deepEqual(result.policies.map(policyDocument)[0]?.ingress, [expected]);
  });

const nowhere: [name: string, object: unknown, faults: string[]][] = [
  [
    "no object",
    null,
    [
      "METADATA metadata.name: undefined: expected the policy's name",
      "METADATA metadata.namespace: undefined: expected the policy's namespace",
      "OBJECT spec: undefined: expected a specification",
    ],
  ],
  [
    "no namespace",
    { metadata: { name: "p" }, spec: {} },
    ["METADATA metadata.namespace: undefined: expected the policy's namespace"],
  ],
  [
    "a podSelector that nobody understands",
    { metadata, spec: { podSelector: { matchExpressions: [{ key: "a", operator: "Gt", values: ["1"] }] } } },
    [
      'SELECTOR_OPERATOR spec.podSelector.matchExpressions[0].operator: "Gt": expected In, NotIn, Exists or DoesNotExist',
    ],
  ],
  [
    "no type that is known",
    { metadata, spec: { policyTypes: ["Forward"] } },
    ['POLICY_TYPE spec.policyTypes[0]: "Forward": expected Ingress or Egress'],
  ],
];
for (const [name, object, faults] of nowhere)
  test(`no policy, where nobody can say whom it isolates: ${name}`, () => {
    assert.deepEqual(faultsOf(object), faults);
    assert.deepEqual(translateNetworkPolicy(object).policies, []);
  });

const closed: [name: string, rule: unknown, faults: string[]][] = [
  [
    "a peer that is nobody",
    { from: [{}] },
    ["PEER spec.ingress[0].from[0]: {}: expected podSelector, namespaceSelector or ipBlock"],
  ],
  [
    "a peer of a later Kubernetes",
    { from: [{ podSelector: {}, fqdn: "a.b" }] },
    [
      'FIELD_UNKNOWN spec.ingress[0].from[0].fqdn: "a.b": expected one of podSelector, namespaceSelector, ipBlock',
    ],
  ],
  [
    "a block with a selector",
    { from: [{ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }] },
    ["PEER spec.ingress[0].from[0].podSelector: {}: expected nothing beside ipBlock"],
  ],
  [
    "prefixes that are none",
    { from: [{ ipBlock: { cidr: "10.1/16" } }, { ipBlock: { cidr: "10.0.0.0/33" } }, { ipBlock: {} }] },
    ['"10.1/16"', '"10.0.0.0/33"', "undefined"].map(
      (value, i) =>
        `CIDR spec.ingress[0].from[${i}].ipBlock.cidr: ${value}: expected an IPv4 or IPv6 prefix as 10.0.0.0/8 or fd00::/8`,
    ),
  ],
  [
    "an exception outside its block, as large as it, of the other family",
    { from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16", "10.0.0.0/8", "fd00::/64"] } }] },
    ["11.0.0.0/16", "10.0.0.0/8", "fd00::/64"].map(
      (value, i) =>
        `CIDR_EXCEPT spec.ingress[0].from[0].ipBlock.except[${i}]: "${value}": expected a prefix inside cidr and longer than it`,
    ),
  ],
  [
    "a selector with In and no values",
    { from: [{ podSelector: { matchExpressions: [{ key: "app", operator: "In" }] } }] },
    [
      "SELECTOR_VALUES spec.ingress[0].from[0].podSelector.matchExpressions[0].values: undefined: expected at least one value with In",
    ],
  ],
  ["a list that is none", { from: "all" }, ['LIST spec.ingress[0].from: "all": expected a list of peers']],
  [
    "port 0, port 65536, a name that is none, a truth value",
    { ports: [{ port: 0 }, { port: 65536 }, { port: "Web" }, { port: true }] },
    [
      "PORT spec.ingress[0].ports[0].port: 0: expected a port, a whole number from 1 to 65535",
      "PORT spec.ingress[0].ports[1].port: 65536: expected a port, a whole number from 1 to 65535",
      `PORT_NAME spec.ingress[0].ports[2].port: "Web": expected a port's name: up to 15 of a-z, 0-9 and -, a letter among them`,
      "PORT spec.ingress[0].ports[3].port: true: expected a port, a whole number from 1 to 65535",
    ],
  ],
  [
    "an unknown protocol, and one in small letters",
    { ports: [{ protocol: "ICMP" }, { protocol: "tcp" }] },
    ["ICMP", "tcp"].map(
      (value, i) => `PROTOCOL spec.ingress[0].ports[${i}].protocol: "${value}": expected TCP, UDP or SCTP`,
    ),
  ],
  [
    "an end below its port, without a port, beside a name",
    { ports: [{ port: 80, endPort: 79 }, { endPort: 80 }, { port: "web", endPort: 80 }] },
    [
      "END_PORT spec.ingress[0].ports[0].endPort: 79: expected no less than port",
      "END_PORT spec.ingress[0].ports[1].endPort: 80: expected a port beside it",
      "END_PORT spec.ingress[0].ports[2].endPort: 80: expected nothing beside a port that is a name",
    ],
  ],
  [
    "a rule with a field of a later Kubernetes",
    { from: [], action: "Deny" },
    ['FIELD_UNKNOWN spec.ingress[0].action: "Deny": expected one of from, ports'],
  ],
];
for (const [name, rule, faults] of closed)
  test(`what is not understood allows nothing, and the rules beside it stand: ${name}`, () => {
    const object = { metadata, spec: { podSelector: {}, ingress: [rule, { ports: [{ port: 1 }] }] } };
    assert.deepEqual(faultsOf(object), faults);
    const standing = { peers: [{ peer: "any" }], rules: [{ protocol: "tcp", ports: [1] }] };
    assert.deepEqual(policiesOf(object.spec)[0]?.ingress, [standing]);
  });

test("of several peers or ports only those not understood are left out", () => {
  const spec = {
    ingress: [{ from: [{ podSelector: {} }, {}], ports: [{ port: 80 }, { port: 0 }] }],
  };
  assert.deepEqual(policiesOf(spec)[0]?.ingress, [
    { peers: [own], rules: [{ protocol: "tcp", ports: [80] }] },
  ]);
});

test("label values that no pod can have are kept, as old objects have them: they match none", () => {
  const spec = { podSelector: { matchLabels: { app: "not a label value" } } };
  assert.deepEqual(faultsOf({ metadata, spec }), []);
});

test("1,000 peers with 1,000 labels each are translated", () => {
  const values = Array.from({ length: 1000 }, (_, i) => `v${i}`);
  const from = Array.from({ length: 1000 }, (_, i) => ({
    podSelector: { matchExpressions: [{ key: `k${i}`, operator: "In", values }] },
  }));
  const { policies, faults } = translateNetworkPolicy({ metadata, spec: { ingress: [{ from }] } });
  assert.deepEqual([faults.length, policies[0]?.rules[0]?.peers.length], [0, 1000]);
});
