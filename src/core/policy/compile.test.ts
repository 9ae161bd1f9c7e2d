import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr } from "../net/cidr.ts";
import type { Policy, PolicyPod } from "../model/policy.ts";
import { compilePolicy, portNumbers } from "./compile.ts";
import { translateNetworkPolicy } from "./kubernetes.ts";
import { describeSet, setName, type SetSpec } from "./set-spec.ts";

function policyOf(spec: object, name = "p"): Policy {
  const { policies, faults } = translateNetworkPolicy({ metadata: { namespace: "shop", name }, spec });
  assert.deepEqual(faults, []);
  const [policy] = policies;
  return policy ?? assert.fail("no policy");
}
const setsOf = (spec: object): SetSpec[] => [...compilePolicy(policyOf(spec), []).sets.values()];
const podWith = (...numbers: number[]): PolicyPod => ({
  ...{ id: "shop/x", tenant: "shop", labels: {}, ips: [], host: "h", hostNetwork: false },
  ports: numbers.map((port) => ({ name: "web", protocol: "tcp", port })),
});

const cidrs: [name: string, blocks: object[], expected: string[]][] = [
  [
    "the whole of IPv4 but a part",
    [{ cidr: "0.0.0.0/0", except: ["128.0.0.0/1", "64.0.0.0/2"] }],
    ["0.0.0.0/2"],
  ],
  [
    "ranges that overlap, touch and lie in each other are one",
    [{ cidr: "10.0.0.0/25" }, { cidr: "10.0.0.64/26" }, { cidr: "10.0.0.128/25" }, { cidr: "10.0.0.0/25" }],
    ["10.0.0.0/24"],
  ],
  [
    "what one block excepts another may hold",
    [{ cidr: "10.0.0.0/24", except: ["10.0.0.0/25"] }, { cidr: "10.0.0.0/26" }],
    ["10.0.0.0/26", "10.0.0.128/25"],
  ],
  [
    "both families in one set",
    [{ cidr: "fd00::/64", except: ["fd00::/65"] }, { cidr: "10.0.0.0/8" }],
    ["10.0.0.0/8", "fd00::8000:0:0:0/65"],
  ],
  ["all is excepted", [{ cidr: "10.0.0.0/24", except: ["10.0.0.0/25", "10.0.0.128/25"] }], []],
];
for (const [name, blocks, expected] of cidrs)
  test(`blocks of a rule become one set of disjoint prefixes: ${name}`, () => {
    const [spec] = setsOf({ ingress: [{ from: blocks.map((ipBlock) => ({ ipBlock })) }] });
    assert.deepEqual(spec?.kind === "cidrs" && spec.cidrs.map(formatCidr), expected);
  });

test("policies that mean the same people name the same set, in whatever words; others do not", () => {
  const labels = (...pairs: [string, string][]): object => ({
    podSelector: { matchLabels: Object.fromEntries(pairs) },
  });
  const expressions = { matchExpressions: [{ key: "app", operator: "In", values: ["web", "web"] }] };
  const nameOf = (peer: object): string =>
    setName(setsOf({ ingress: [{ from: [peer] }] })[0] ?? { kind: "hosts" });
  const name = nameOf(labels(["app", "web"], ["env", "prod"]));
  assert.equal(nameOf(labels(["env", "prod"], ["app", "web"])), name);
  assert.equal(nameOf({ podSelector: { matchLabels: { env: "prod" }, ...expressions } }), name);
  assert.notEqual(nameOf(labels(["app", "prod"], ["env", "web"])), name);
  assert.notEqual(nameOf({ namespaceSelector: {}, ...labels(["app", "web"], ["env", "prod"]) }), name);
  assert.match(name, /^pods-[a-z2-7]{24}$/);
});

const about: [peer: object, text: string][] = [
  [{ podSelector: {} }, "all pods of shop"],
  [{ namespaceSelector: {} }, "all pods"],
  [{ podSelector: { matchLabels: { app: "web" } } }, "pods of shop with app=web"],
  [
    {
      namespaceSelector: { matchExpressions: [{ key: "team", operator: "In", values: ["a", "b"] }] },
      podSelector: {
        matchExpressions: [
          { key: "app", operator: "NotIn", values: ["x"] },
          { key: "env", operator: "Exists" },
          { key: "old", operator: "DoesNotExist" },
        ],
      },
    },
    "pods of tenants with team in (a, b) with app not in (x), env, no old",
  ],
  [
    { ipBlock: { cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] } },
    "0.0.0.0/5, 8.0.0.0/7, 11.0.0.0/8, 12.0.0.0/6 and 4 more",
  ],
];
for (const [peer, text] of about)
  test(`a set says what it is for: ${text}`, () => {
    assert.deepEqual(setsOf({ ingress: [{ from: [peer] }] }).map(describeSet), [text]);
  });

test("a name of a port at ingress is each subject's own numbers: two pods with one name for different ports, one with both, one with none", () => {
  const policy = policyOf({ ingress: [{ ports: [{ port: "web" }, { port: 443 }] }] });
  const compiled = [podWith(80), podWith(8080), podWith(81, 80, 80), podWith()].map(
    (pod) => compilePolicy(policy, portNumbers(policy, pod)).chain,
  );
  const ranges = compiled.map(({ rules }) =>
    rules.map(({ match }) => match.kind === "peers" && match.traffic !== "any" && match.traffic),
  );
  const tcp = (...list: [number, number][]): object => [
    [{ kind: "ports", protocol: "tcp", ranges: list.map(([first, last]) => ({ first, last })) }],
  ];
  assert.deepEqual(ranges, [
    tcp([80, 80], [443, 443]),
    tcp([443, 443], [8080, 8080]),
    tcp([80, 81], [443, 443]),
    tcp([443, 443]),
  ]);
  assert.equal(new Set(compiled.map(({ name }) => name)).size, 4);
});

test("a name that no pod has, alone, leaves no rule", () => {
  const policy = policyOf({ ingress: [{ ports: [{ port: "web" }] }] });
  assert.deepEqual(compilePolicy(policy, portNumbers(policy, podWith())).chain.rules, []);
});

test("a name of a port at egress is pairs of address and port, as each peer has its own number", () => {
  const policy = policyOf({
    policyTypes: ["Egress"],
    egress: [{ to: [{ podSelector: {} }], ports: [{ port: "web" }, { port: 53, protocol: "UDP" }] }],
  });
  const { chain, sets } = compilePolicy(policy, portNumbers(policy, podWith(80)));
  assert.deepEqual(
    chain.rules.map(({ match }) => match.kind),
    ["peers", "endpoints"],
  );
  assert.deepEqual([...sets.values()].map(describeSet), [
    "all pods of shop",
    "tcp port web of all pods of shop",
  ]);
});

test("a chain keeps its name when its rules change, and has another in another policy", () => {
  const [a, b, c] = [policyOf({}), policyOf({ ingress: [{}] }), policyOf({}, "q")].map(
    (policy) => compilePolicy(policy, []).chain.name,
  );
  assert.equal(a, b);
  assert.notEqual(a, c);
});
