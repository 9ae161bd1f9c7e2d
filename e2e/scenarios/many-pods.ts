import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { BUSYBOX } from "../support/images.ts";
import { readLedger, untilNothingIsLeft } from "../support/ledger.ts";
import { onStage } from "../support/pods.ts";

const COUNT = 110;

export const manyPods: Scenario = {
  name: `${COUNT} pods on one node, created and deleted at once, leak nothing`,
  timeout: 15 * 60_000,
  run: async (cluster) => {
    const node = cluster.nodes[1];
    assert.ok(node);
    await onStage(cluster, "many", async ({ apply, namespace }) => {
      await apply(setOf(COUNT, node.name));
      const words = [
        "-n",
        namespace,
        "wait",
        "replicaset/many",
        `--for=jsonpath={.status.readyReplicas}=${COUNT}`,
      ];
      await cluster.plane.kubectl([...words, "--timeout=480s"], { timeout: 490_000 });
      const during = await readLedger(cluster, node);
      assert.equal(during["links"]?.length, COUNT);
    });
    await untilNothingIsLeft(cluster, node);
  },
};

const setOf = (replicas: number, node: string): object => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "many" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "many" } },
    template: {
      metadata: { labels: { app: "many" } },
      spec: {
        nodeSelector: { "kubernetes.io/hostname": node },
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        containers: [
          { name: "sleep", image: BUSYBOX, imagePullPolicy: "Never", command: ["sleep", "2147483647"] },
        ],
      },
    },
  },
});
