import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { untilNothingIsLeft } from "../support/ledger.ts";
import { onStage, podOf } from "../support/pods.ts";

const COUNT = 20;

export const shortLived: Scenario = {
  name: `${COUNT} pods deleted before they have their network leak nothing`,
  timeout: 5 * 60_000,
  async run(cluster) {
    const node = cluster.nodes[2];
    assert.ok(node);
    await onStage(cluster, "short-lived", async ({ apply, kubectl }) => {
      const names = Array.from({ length: COUNT }, (_, i) => `pod-${i}`);
      await apply(...names.map((name) => podOf({ name, node: node.name })));
      await kubectl("delete", "pods", "--all", "--force", "--grace-period=0", "--wait=false");
    });
    await untilNothingIsLeft(cluster, node);
  },
};
