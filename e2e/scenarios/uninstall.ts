import assert from "node:assert/strict";
import { eventually } from "../../test/support/eventually.ts";
import type { Scenario } from "../scenarios.ts";
import type { Cluster } from "../support/cluster.ts";
import { installRomana, renderRomana } from "../support/install.ts";
import type { ClusterNode } from "../support/node.ts";
import { onStage } from "../support/pods.ts";

const SYSTEM = ["-n", "kube-system"] as const;

/** What could be of Romana's on a node; its own folders aside, which are empty. */
const traces = (node: ClusterNode): Promise<string> =>
  node.exec([
    "sh",
    "-c",
    `ls /etc/cni/net.d/10-romana.conflist /opt/cni/bin/romana /var/lib/romana/* /run/romana/* 2>/dev/null
    ip -o link | grep -oE ' rom[0-9a-f]{12}'
    for family in -4 -6; do ip $family rule | grep -w 'lookup 10'; ip $family route show table 10; done 2>/dev/null
    nft list tables | grep -w romana
    true`,
  ]);

async function untilNotReady({ plane, nodes }: Cluster): Promise<void> {
  const path = '{.status.conditions[?(@.type=="Ready")].status}';
  for (const { name } of nodes)
    await eventually(
      async () =>
        assert.equal(await plane.kubectl(["get", "node", name, "-o", `jsonpath=${path}`]), "False", name),
      { within: 120_000, every: 1000 },
    );
}

export const uninstall: Scenario = {
  name: "uninstalled, Romana leaves nodes as they were; installed again, it gives pods their network",
  timeout: 12 * 60_000,
  async run(cluster) {
    const { plane, nodes } = cluster;
    const change = (verb: string, manifest: string): Promise<string> =>
      plane.kubectl([verb, "-f", "-"], { stdin: manifest, timeout: 180_000 });
    await change("delete", await renderRomana());
    const remover = await renderRomana({ uninstall: true });
    await change("apply", remover);
    const status = ["rollout", "status", "daemonset/romana-uninstall", "--timeout=240s"];
    await plane.kubectl([...SYSTEM, ...status], { timeout: 250_000 });
    for (const node of nodes) assert.equal(await traces(node), "", node.name);
    await untilNotReady(cluster);
    await change("delete", remover);
    await installRomana(cluster);
    await onStage(cluster, "reinstalled", async ({ pods, reaches }) => {
      const [pod] = await pods({ name: "web", node: "node-3" }, { name: "asker", node: "node-1" });
      for (const ip of pod?.ips ?? []) assert.equal(await reaches("asker", ip), "web");
    });
  },
};
