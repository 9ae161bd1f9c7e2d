// The law of translation: what a NetworkPolicy means by our specification is what Kubernetes' documentation says it means.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { kubernetesAllows } from "../../../test/support/policy/oracle.ts";
import { corePacket, coreWorld } from "../../../test/support/policy/to-core.ts";
import { clusters, networkPolicies, packetsOf } from "../../../test/support/policy/worlds.ts";
import { policyKey } from "../model/keys.ts";
import { decodePolicy, encodePolicy } from "./codec.ts";
import { evaluate } from "./evaluate.ts";
import { translateNetworkPolicy } from "./kubernetes.ts";

const cases = clusters.chain((cluster) =>
  fc.record({
    cluster: fc.constant(cluster),
    packets: fc.array(packetsOf(cluster), { minLength: 30, maxLength: 30 }),
  }),
);

test("translate, then evaluate: the naive oracle says the same of every packet", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(cases, ({ cluster, packets }) => {
      for (const policy of cluster.policies) assert.deepEqual(translateNetworkPolicy(policy).faults, []);
      const world = coreWorld(cluster);
      for (const packet of packets) {
        const verdict = evaluate(world, corePacket(packet), { failsafePorts: [] });
        assert.equal(verdict.allowed, kubernetesAllows(cluster, packet), JSON.stringify(packet));
        for (const { kind } of [verdict.ingress, verdict.egress]) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: 1000, seed: 6 },
  );
  // A property that never meets a case proves nothing about it.
  for (const kind of ["open", "allowed", "denied", "exempt"])
    assert.ok((seen.get(kind) ?? 0) > 500, `${kind}: ${seen.get(kind)}`);
});

/** Anything in the place of anything. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(null, "", "web", "10.0.0.0/8", "TCP", 0, 80, 65536, true, {}, []),
  fc.jsonValue({ maxDepth: 2 }),
);
const spoilt = (value: unknown): fc.Arbitrary<unknown> => {
  if (Array.isArray(value)) return or(fc.tuple(...value.map(spoilt)));
  if (typeof value !== "object" || value === null) return or(fc.constant(value));
  const fields = Object.entries(value).map(([key, each]) => [key, spoilt(each)] as const);
  return or(fc.record(Object.fromEntries(fields)));
};
const or = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 20, arbitrary: value }, { weight: 1, arbitrary: anything });
const objects = networkPolicies.chain((list) => spoilt(list[0] ?? {}));

test("whatever is made of an object, sound or not, the store gives back as it was", () => {
  const counts = { policies: 0, faulty: 0 };
  fc.assert(
    fc.property(objects, (object) => {
      const { policies, faults } = translateNetworkPolicy(object);
      for (const policy of policies)
        assert.deepEqual(decodePolicy(policyKey(policy.id), encodePolicy(policy)), policy);
      counts.policies += policies.length;
      if (policies.length > 0 && faults.length > 0) counts.faulty++;
    }),
    { numRuns: 3000, seed: 6 },
  );
  for (const [what, count] of Object.entries(counts)) assert.ok(count > 200, `${what}: ${count}`);
});
