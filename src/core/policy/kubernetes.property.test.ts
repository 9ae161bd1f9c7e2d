// The law of translation: what a NetworkPolicy means by our specification is what Kubernetes' documentation says it means.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { kubernetesAllows } from "../../../test/support/policy/oracle.ts";
import { corePacket, coreWorld } from "../../../test/support/policy/to-core.ts";
import { clusters, packetsOf } from "../../../test/support/policy/worlds.ts";
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
