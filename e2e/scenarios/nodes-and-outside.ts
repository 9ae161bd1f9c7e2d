import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { onStage, WEB_PORT } from "../support/pods.ts";

export const nodesAndOutside: Scenario = {
  name: "pods and nodes reach each other, and pods reach what is outside of the cluster",
  run: (cluster) =>
    onStage(cluster, "nodes", async ({ pods, exec }) => {
      const [pod] = await pods({ name: "web", node: "node-3" });
      const urls = (pod?.ips ?? []).map((ip) => `http://${ip.includes(":") ? `[${ip}]` : ip}:${WEB_PORT}/`);
      const outside = { ips: [cluster.address] };
      for (const { ips } of [...cluster.nodes, outside])
        for (const ip of ips) await exec("web", "ping", "-c", "1", "-W", "5", ip);
      for (const node of cluster.nodes)
        for (const url of urls)
          assert.equal((await node.exec(["curl", "-gsS", "-m", "5", url])).trim(), "web");
    }),
};
