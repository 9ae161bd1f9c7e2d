import assert from "node:assert/strict";
import { eventually } from "../../test/support/eventually.ts";
import type { Scenario } from "../scenarios.ts";
import { onStage } from "../support/pods.ts";

const PORT = 18_080;

export const hostPort: Scenario = {
  name: "a host port leads to its pod",
  run: (cluster) =>
    onStage(cluster, "host-port", async ({ pods }) => {
      const [one, other] = cluster.nodes;
      await pods({ name: "web", node: other?.name ?? "", hostPort: PORT });
      const url = `http://${other?.ips[0] ?? ""}:${PORT}/`;
      const ask = async (): Promise<string> => (await one?.exec(["curl", "-gsS", "-m", "3", url])) ?? "";
      assert.equal((await eventually(ask, { within: 20_000, every: 500 })).trim(), "web");
    }),
};
