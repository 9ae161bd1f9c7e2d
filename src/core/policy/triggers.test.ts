import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { coreWorld } from "../../../test/support/policy/to-core.ts";
import { clusters } from "../../../test/support/policy/worlds.ts";
import { selectsPod } from "./select.ts";
import { selectorTriggers, triggerIndex, triggersOf } from "./triggers.ts";

test("law: a selector that selects a pod is found for it", () => {
  let selected = 0;
  fc.assert(
    fc.property(clusters, (cluster) => {
      const { policies, pods, tenants } = coreWorld(cluster);
      const labelsOf = (tenant: string): Record<string, string> => tenants.get(tenant)?.labels ?? {};
      const peers = [...policies.values()].flatMap(({ rules }) => rules.flatMap((rule) => rule.peers));
      for (const { selector } of peers.filter((peer) => peer.kind === "pods")) {
        const index = triggerIndex<string>();
        index.add(selectorTriggers(selector), "it");
        for (const pod of pods.values())
          if (selectsPod(selector, pod, labelsOf)) {
            selected++;
            assert.ok(index.find(triggersOf(pod, labelsOf)).has("it"));
          }
      }
    }),
    { numRuns: 300, seed: 6 },
  );
  assert.ok(selected > 1000, `${selected} selected`);
});

test("what was filed and taken back is not found", () => {
  const index = triggerIndex<string>();
  index.add(["a", "b"], "x");
  index.add(["b"], "y");
  index.delete(["a", "b"], "x");
  assert.deepEqual(index.find(["a", "b", "c"]), new Set(["y"]));
});
