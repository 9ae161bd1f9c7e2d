// The law of resolution: what the nodes do with the chains and sets that they are told is what the policies mean.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { romanaPolicies } from "../../../test/support/policy/romana.ts";
import { corePacket, coreWorld } from "../../../test/support/policy/to-core.ts";
import { BLOCK_COUNT, blockOf, clusters, NODE_LIST, packetsOf } from "../../../test/support/policy/worlds.ts";
import { formatCidr } from "../net/cidr.ts";
import type { Policy } from "../model/policy.ts";
import { evaluate, type PolicyWorld } from "./evaluate.ts";
import { evaluateNodes } from "./evaluate-node.ts";
import { parsePolicies } from "./parse-policies.ts";
import { createPolicyIndex, type WorldChange } from "./policy-index.ts";

const options = { failsafePorts: [6443] };

function parsed(document: unknown): readonly Policy[] {
  const result = parsePolicies(document);
  if (result.kind === "invalid") assert.fail(JSON.stringify(result.faults));
  return result.policies;
}

const cases = fc
  .record({
    cluster: clusters,
    romana: romanaPolicies,
    blocks: fc.tuple(
      ...Array.from({ length: BLOCK_COUNT }, (_, i) => fc.option(blockOf(i), { nil: undefined })),
    ),
  })
  .chain(({ cluster, ...rest }) =>
    fc.record({
      ...{ cluster: fc.constant(cluster), rest: fc.constant(rest) },
      packets: fc.array(packetsOf(cluster), { minLength: 30, maxLength: 30 }),
    }),
  );

const changesOf = ({ policies, tenants, pods, hosts }: PolicyWorld): WorldChange[] => [
  ...[...policies.values()].map((policy): WorldChange => ({ kind: "put-policy", policy })),
  ...[...tenants.values()].map((tenant): WorldChange => ({ kind: "put-tenant", tenant })),
  ...[...pods.values()].map((pod): WorldChange => ({ kind: "put-pod", pod })),
  ...[...hosts.values()].map((host): WorldChange => ({ kind: "put-host", host })),
];

test("the nodes' verdict on any packet, with the deciding policy and rule, is the specification's", () => {
  const seen = new Map<string, number>();
  const count = (key: string): unknown => seen.set(key, (seen.get(key) ?? 0) + 1);
  fc.assert(
    fc.property(cases, ({ cluster, rest: { romana, blocks }, packets }) => {
      const world = coreWorld(cluster, romana.length > 0 ? parsed(romana) : []);
      const index = createPolicyIndex();
      index.apply(changesOf(world));
      index.apply(blocks.flatMap((block): WorldChange[] => (block ? [{ kind: "put-block", block }] : [])));
      const nodes = NODE_LIST.map(({ name }) => index.nodePolicy(name));
      for (const node of nodes)
        for (const { elements } of node.sets.values())
          for (const { cidr } of elements.values()) count(`/${formatCidr(cidr).split("/")[1]}`);
      for (const json of packets) {
        const packet = corePacket(json);
        const verdict = evaluate(world, packet, options);
        assert.deepEqual(evaluateNodes(nodes, packet, options), verdict, JSON.stringify(json));
        for (const each of [verdict.ingress, verdict.egress])
          count(each.kind === "exempt" ? each.why : each.kind);
      }
    }),
    { numRuns: 600, seed: 6 },
  );
  // Each kind of verdict, and sets with blocks and with addresses, did come.
  for (const key of [
    "open",
    "allowed",
    "denied",
    "self",
    "own-pod",
    "failsafe",
    "/30",
    "/32",
    "/126",
    "/128",
  ])
    assert.ok((seen.get(key) ?? 0) > 100, `${key}: ${seen.get(key)}`);
});
