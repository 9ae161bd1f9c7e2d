import assert from "node:assert/strict";
import { eventually } from "../../test/support/eventually.ts";
import type { Scenario } from "../scenarios.ts";
import { untilNothingIsLeft } from "../support/ledger.ts";
import { onStage } from "../support/pods.ts";

type PodJson = {
  status: { podIP: string; containerStatuses: { ready: boolean; restartCount: number }[] };
};

export const reboot: Scenario = {
  name: "a node loses its power and comes back: its pods get their network again, nothing leaks",
  timeout: 8 * 60_000,
  run: async (cluster) => {
    const node = cluster.nodes[2];
    assert.ok(node);
    await onStage(cluster, "reboot", async ({ pods, kubectl, reaches }) => {
      await pods({ name: "one", node: "node-1" }, { name: "other", node: node.name });
      await node.powerOff();
      await node.boot();
      const address = await eventually(
        async () => {
          const { status } = JSON.parse(await kubectl("get", "pod", "other", "-o", "json")) as PodJson;
          const [container] = status.containerStatuses;
          assert.ok(container?.ready && container.restartCount > 0, "started again");
          return status.podIP;
        },
        { within: 240_000, every: 2000 },
      );
      assert.equal(await reaches("one", address), "other");
    });
    await untilNothingIsLeft(cluster, node);
  },
};
