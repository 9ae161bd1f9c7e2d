import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { onStage } from "../support/pods.ts";

/** In the prefix of rack-2. */
const WANTED = "10.112.200.7";

export const staticAddress: Scenario = {
  name: "a pod gets the address of its annotation romana.io/ip",
  run: (cluster) =>
    onStage(cluster, "static-address", async ({ pods, reaches }) => {
      const annotations = { "romana.io/ip": WANTED };
      const [pod] = await pods({ name: "fixed", node: "node-3", annotations });
      assert.equal(pod?.ips[0], WANTED);
      await pods({ name: "asker", node: "node-1" });
      assert.equal(await reaches("asker", WANTED), "fixed");
    }),
};
