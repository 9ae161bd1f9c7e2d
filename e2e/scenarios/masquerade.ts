import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { CONTROL, netnsOf } from "../support/network.ts";
import { fileOf } from "../support/place.ts";
import { onStage } from "../support/pods.ts";
import { killAndWait, launch } from "../support/run.ts";

const PORT = 18_081;
/** Answers with the address that it sees. */
const MIRROR = `require("node:http").createServer((request, response) => {
  response.end(request.socket.remoteAddress.replace("::ffff:", "") + "\\n");
}).listen(${PORT}, "::")`;

export const masquerade: Scenario = {
  name: "who is outside of the cluster sees a pod's node, and a node sees the pod itself",
  run: (cluster) =>
    onStage(cluster, "masquerade", async ({ pods, reaches }) => {
      const [node, home] = [cluster.nodes[0], cluster.nodes[2]];
      assert.ok(node && home);
      const [pod] = await pods({ name: "asker", node: home.name });
      const mirrors = [netnsOf(CONTROL), netnsOf(node.name)].map(
        (netns) => launch([process.execPath, "-e", MIRROR], fileOf("log", "mirror.log"), netns).pid,
      );
      try {
        assert.equal(await reaches("asker", cluster.address, PORT), home.ips[0]);
        for (const [family, ip] of node.ips.entries())
          assert.equal(await reaches("asker", ip, PORT), pod?.ips[family]);
      } finally {
        for (const pid of mirrors) if (pid !== undefined) await killAndWait(pid);
      }
    }),
};
