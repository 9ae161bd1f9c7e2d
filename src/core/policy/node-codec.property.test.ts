// What a node is told goes over the wire and comes out as it was.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { coreWorld, NODES_AS_HOSTS } from "../../../test/support/policy/to-core.ts";
import { blockOf, clusters } from "../../../test/support/policy/worlds.ts";
import type { NodeDeltaJson, NodePolicyJson } from "../api/node-policy.ts";
import { decodeNodeDelta, decodeNodePolicy, encodeNodeDelta, encodeNodePolicy } from "./node-codec.ts";
import { createPolicyIndex, type WorldChange } from "./policy-index.ts";

const worlds = fc.tuple(clusters, fc.tuple(...[0, 1, 2].map(blockOf))).map(([cluster, blocks]) => {
  const { policies, tenants, pods, hosts } = coreWorld(cluster);
  return [
    ...[...hosts.values()].map((host): WorldChange => ({ kind: "put-host", host })),
    ...[...tenants.values()].map((tenant): WorldChange => ({ kind: "put-tenant", tenant })),
    ...blocks.map((block): WorldChange => ({ kind: "put-block", block })),
    ...[...pods.values()].map((pod): WorldChange => ({ kind: "put-pod", pod })),
    ...[...policies.values()].map((policy): WorldChange => ({ kind: "put-policy", policy })),
  ];
});

test("shares and their changes are after the wire what they were before", () => {
  const sizes = { sets: 0, elements: 0, endpoints: 0 };
  fc.assert(
    fc.property(worlds, worlds, (first, second) => {
      const index = createPolicyIndex();
      for (const { name } of NODES_AS_HOSTS) index.nodePolicy(name);
      for (const world of [first, second])
        for (const [host, delta] of index.apply(world)) {
          const json = JSON.parse(encodeNodeDelta(delta)) as NodeDeltaJson;
          assert.deepEqual(decodeNodeDelta(json), delta);
          const share = index.nodePolicy(host);
          assert.deepEqual(decodeNodePolicy(JSON.parse(encodeNodePolicy(share)) as NodePolicyJson), share);
          sizes.sets += share.sets.size;
          sizes.elements += delta.elements.length;
          for (const { kind } of share.sets.values()) sizes.endpoints += Number(kind === "endpoints");
        }
    }),
    { numRuns: 200, seed: 6 },
  );
  for (const [what, size] of Object.entries(sizes)) assert.ok(size > 100, `${what}: ${size}`);
});

test("a rule of a later program is not understood half", () => {
  const chain = {
    name: "policy-x",
    policy: "x",
    direction: "ingress",
    rules: [{ rule: 0, action: "deny", match: {} }],
  };
  const json = { chains: { put: [chain] } } as unknown as NodeDeltaJson;
  assert.throws(() => decodeNodeDelta(json), { code: "NODE_POLICY_UNKNOWN" });
});
