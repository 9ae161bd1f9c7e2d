import assert from "node:assert/strict";
import { eventually } from "../../test/support/eventually.ts";
import type { Scenario } from "../scenarios.ts";
import { untilNothingIsLeft } from "../support/ledger.ts";
import type { ClusterNode } from "../support/node.ts";
import { onStage, WEB_PORT } from "../support/pods.ts";

type Endpoint = { readonly containerId: string; readonly ips: readonly string[] };

/** What the agent of a node keeps of its pods. */
async function endpointsOf(node: ClusterNode): Promise<Endpoint[]> {
  const script = "for file in /var/lib/romana/endpoints/*.json; do cat $file; echo; done";
  const text = await node.exec(["sh", "-c", script]);
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Endpoint);
}

export const outage: Scenario = {
  name: "the API server is away while a pod's sandbox dies: the new one has its network, and nothing leaks",
  timeout: 8 * 60_000,
  async run(cluster) {
    const { plane, nodes } = cluster;
    const [near, node] = [nodes[0], nodes[2]];
    assert.ok(near && node);
    await onStage(cluster, "outage", async ({ pods, kubectl, reaches }) => {
      const [, pod] = await pods({ name: "one", node: near.name }, { name: "other", node: node.name });
      const [before] = (await endpointsOf(node)).filter(({ ips }) => ips.includes(pod?.ips[0] ?? ""));
      await plane.stopApiserver();
      let address = "";
      try {
        const id = before?.containerId ?? "";
        await node.exec(["ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "KILL", id]);
        address = await eventually(
          async () => {
            const made = (await endpointsOf(node)).find(({ containerId }) => containerId !== id);
            const url = `http://${made?.ips[0] ?? ""}:${WEB_PORT}/`;
            assert.equal((await near.exec(["curl", "-gsS", "-m", "3", url])).trim(), "other");
            return made?.ips[0] ?? "";
          },
          { within: 180_000, every: 1000 },
        );
      } finally {
        await plane.startApiserver();
      }
      const told = (): Promise<string> => kubectl("get", "pod", "other", "-o", "jsonpath={.status.podIP}");
      await eventually(async () => assert.equal(await told(), address), { within: 120_000, every: 1000 });
      assert.equal(await reaches("one", address), "other");
    });
    await untilNothingIsLeft(cluster, node);
  },
};
