import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { romanaPolicies } from "../../../test/support/policy/romana.ts";
import { clusters } from "../../../test/support/policy/worlds.ts";
import { describeFault } from "../../base/errors.ts";
import { policyKey } from "../model/keys.ts";
import type { Policy } from "../model/policy.ts";
import { decodePolicy, encodePolicy } from "./codec.ts";
import { translateNetworkPolicy } from "./kubernetes.ts";
import { parsePolicies } from "./parse-policies.ts";
import { policyDocument, type PolicyJson } from "./policy-document.ts";

function valid(document: unknown): readonly Policy[] {
  const result = parsePolicies(document);
  if (result.kind === "invalid") assert.fail(result.faults.map(describeFault).join("\n"));
  return result.policies;
}

const canonical: PolicyJson = {
  id: "web",
  description: "frontend to backend",
  direction: "ingress",
  applied_to: [{ tenant_id: "shop", segment_id: "backend" }],
  ingress: [
    {
      peers: [
        { tenant_id: "shop", segment_id: "frontend" },
        { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] },
      ],
      rules: [
        { protocol: "tcp", ports: [80, 443], port_ranges: [[8000, 8080]] },
        { protocol: "udp" },
        { protocol: "icmp", icmp_type: 8, icmp_code: 0 },
      ],
    },
  ],
};

test("a policy in the new form is read, and GET gives it back in the same words", () => {
  assert.deepEqual(valid(canonical).map(policyDocument), [canonical]);
});

const same: [name: string, document: unknown, expected: Partial<PolicyJson>][] = [
  [
    "the older envelope: name, tenant, segment, peers and rules on the policy",
    {
      securitypolicies: [
        {
          name: "policy1",
          description: "ssh and ping",
          direction: "ingress",
          applied_to: [{ tenant: "admin", segment: "default" }],
          peers: [{ peer: "any" }],
          rules: [{ protocol: "TCP", ports: [22], is_stateful: true }, { protocol: "ICMP" }],
        },
      ],
    },
    {
      id: "policy1",
      description: "ssh and ping",
      applied_to: [{ tenant_id: "admin", segment_id: "default" }],
      ingress: [
        { peers: [{ peer: "any" }], rules: [{ protocol: "tcp", ports: [22] }, { protocol: "icmp" }] },
      ],
    },
  ],
  [
    "the older envelope with the tenant on the policy itself",
    {
      securitypolicies: [
        { name: "p", tenant: "a", segment: "s", peers: [{ tenant: "b" }], rules: [{ protocol: "any" }] },
      ],
    },
    {
      applied_to: [{ tenant_id: "a", segment_id: "s" }],
      ingress: [{ peers: [{ tenant_id: "b" }], rules: [{ protocol: "any" }] }],
    },
  ],
  [
    "a list of policies; hosts and their pods",
    [
      {
        name: "dhcp",
        direction: "Egress",
        applied_to: [{ dest: "host" }, { dest: "local" }, { cidr: "fd00::/64" }],
        ingress: [
          { peers: [{ peer: "local" }, { peer: "host" }], rules: [{ protocol: "UDP", ports: [67] }] },
        ],
      },
    ],
    {
      id: "dhcp",
      direction: "egress",
      applied_to: [{ dest: "host" }, { dest: "local" }, { cidr: "fd00::/64" }],
      ingress: [{ peers: [{ peer: "local" }, { peer: "host" }], rules: [{ protocol: "udp", ports: [67] }] }],
    },
  ],
  [
    "no direction is ingress, no rules isolate",
    { id: "wall", applied_to: [{ tenant_id: "a" }] },
    { direction: "ingress", ingress: [] },
  ],
  [
    "ports and ranges that overlap or touch are merged, doubles vanish",
    {
      id: "p",
      applied_to: [{ tenant_id: "a" }],
      ingress: [
        {
          peers: [{ tenant_id: "b" }, { tenant_id: "b" }],
          rules: [
            {
              protocol: "tcp",
              ports: [81, 80, 80],
              port_ranges: [
                [82, 90],
                [85, 100],
              ],
            },
            { protocol: "tcp", ports: [443], port_names: ["web", "web"] },
          ],
        },
      ],
    },
    {
      ingress: [
        {
          peers: [{ tenant_id: "b" }],
          rules: [{ protocol: "tcp", ports: [443], port_ranges: [[80, 100]], port_names: ["web"] }],
        },
      ],
    },
  ],
  [
    "anybody and everything swallow what stands beside them",
    {
      id: "p",
      applied_to: [{ namespace_selector: {} }],
      ingress: [
        {
          peers: [{ tenant_id: "b" }, { peer: "any" }],
          rules: [{ protocol: "tcp", ports: [80] }, { protocol: "any" }],
        },
      ],
    },
    {
      applied_to: [{ dest: "local" }],
      ingress: [{ peers: [{ peer: "any" }], rules: [{ protocol: "any" }] }],
    },
  ],
  [
    "label selectors: all operators, the segment's label as segment_id",
    {
      id: "p",
      applied_to: [
        {
          namespace_selector: { matchExpressions: [{ key: "team", operator: "Exists" }] },
          pod_selector: {
            matchLabels: { "romana.io/segment": "s", app: "web" },
            matchExpressions: [
              { key: "tier", operator: "NotIn", values: ["b", "a", "b"] },
              { key: "app", operator: "In", values: ["web", "api"] },
              { key: "old", operator: "DoesNotExist" },
            ],
          },
        },
      ],
    },
    {
      applied_to: [
        {
          namespace_selector: { matchExpressions: [{ key: "team", operator: "Exists" }] },
          segment_id: "s",
          pod_selector: {
            matchLabels: { app: "web" },
            matchExpressions: [
              { key: "app", operator: "In", values: ["api", "web"] },
              { key: "old", operator: "DoesNotExist" },
              { key: "tier", operator: "NotIn", values: ["a", "b"] },
            ],
          },
        },
      ],
    },
  ],
];
for (const [name, document, expected] of same)
  test(`read: ${name}`, () => {
    const [document_] = valid(document).map(policyDocument);
    assert.deepEqual({ ...document_, ...expected }, document_);
  });

const target = { id: "p", applied_to: [{ tenant_id: "a" }] };

test("reading what was written gives the same policy, Romana's and those of Kubernetes, from the store too", () => {
  fc.assert(
    fc.property(romanaPolicies, clusters, (documents, { policies }) => {
      const kubernetes = policies.flatMap((policy) => translateNetworkPolicy(policy).policies);
      const all = [...(documents.length > 0 ? valid(documents) : []), ...kubernetes];
      for (const policy of all) {
        assert.deepEqual(valid(policyDocument(policy)), [policy]);
        assert.deepEqual(decodePolicy(policyKey(policy.id), encodePolicy(policy)), policy);
      }
    }),
    { numRuns: 200, seed: 6 },
  );
});

const key = policyKey("web");
const garbage: [name: string, text: string, field: string][] = [
  ["no JSON", "{", ""],
  ["two policies", JSON.stringify([target, { ...target, id: "q" }]), ""],
  ["a policy of another id", JSON.stringify(target), "id"],
  ["a policy with a fault", JSON.stringify({ ...canonical, direction: "up" }), "direction"],
];
for (const [name, text, field] of garbage)
  test(`the store's garbage is named: ${name}`, () => {
    assert.throws(
      () => decodePolicy(key, text),
      (error: unknown) => {
        const { code, details } = error as { code: string; details: Record<string, unknown> };
        return code === "STORE_GARBAGE" && details["key"] === key && (details["field"] ?? "") === field;
      },
    );
  });
