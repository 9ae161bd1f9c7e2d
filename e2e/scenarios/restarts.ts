import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import type { Cluster } from "../support/cluster.ts";
import { untilNothingIsLeft } from "../support/ledger.ts";
import { lostDuring } from "../support/pings.ts";
import { onStage } from "../support/pods.ts";

const SYSTEM = ["-n", "kube-system"] as const;
const MINUTES = 60_000;

/** Two pods of two racks do not miss an echo while `act` is done, and a pod that comes after it has its network. */
const survives = (name: string, act: (cluster: Cluster) => Promise<void>): Scenario => ({
  name: `${name}: no echo is lost, new pods get their network, nothing leaks`,
  timeout: 5 * MINUTES,
  run: async (cluster) => {
    const node = cluster.nodes[2];
    assert.ok(node);
    await onStage(cluster, "restarts", async (stage) => {
      const [one, other] = await stage.pods(
        { name: "one", node: "node-1" },
        { name: "other", node: node.name },
      );
      const address = other?.ips[0] ?? "";
      const lost = await lostDuring(stage, { from: one?.name ?? "", address }, () => act(cluster));
      assert.equal(lost, 0, "echoes lost");
      const [fresh] = await stage.pods({ name: "fresh", node: node.name });
      assert.equal(await stage.reaches("one", fresh?.ips[0] ?? ""), "fresh");
    });
    await untilNothingIsLeft(cluster, node);
  },
});

const restartProgram =
  (program: "containerd" | "kubelet") =>
  async ({ nodes }: Cluster): Promise<void> => {
    await nodes[2]?.stop(program);
    await nodes[2]?.start(program);
  };

const rollOut =
  (what: string) =>
  async ({ plane: { kubectl } }: Cluster): Promise<void> => {
    await kubectl([...SYSTEM, "rollout", "restart", what]);
    await kubectl([...SYSTEM, "rollout", "status", what, "--timeout=180s"], { timeout: 190_000 });
  };

export const restarts: readonly Scenario[] = [
  survives("kubelet restarts", restartProgram("kubelet")),
  survives("containerd restarts", restartProgram("containerd")),
  survives("all agents are replaced, as in an upgrade", rollOut("daemonset/romana-agent")),
  survives("the daemon is replaced", rollOut("deployment/romana-daemon")),
  survives("the API server is down for half a minute", async ({ plane }) => {
    await plane.stopApiserver();
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    await plane.startApiserver();
  }),
];
