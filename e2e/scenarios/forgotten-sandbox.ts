import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import type { CheckReply } from "../../src/core/api/ipam.ts";
import type { Scenario } from "../scenarios.ts";
import { credentials } from "../support/certificates.ts";
import type { Cluster } from "../support/cluster.ts";
import { callCni } from "../support/cni.ts";
import { readLedger, untilNothingIsLeft } from "../support/ledger.ts";
import { CONTROL, netnsOf } from "../support/network.ts";
import { fileOf, ROOT } from "../support/place.ts";
import { onStage } from "../support/pods.ts";
import { run } from "../support/run.ts";

export const forgottenSandbox: Scenario = {
  name: "a sandbox that containerd does not know is found by ipam check --kubernetes, and its agent releases it; the pod's own stays",
  timeout: 8 * 60_000,
  async run(cluster) {
    const node = cluster.nodes[1];
    assert.ok(node);
    await onStage(cluster, "forgotten", async ({ pods, reaches }) => {
      const [one] = await pods({ name: "one", node: node.name }, { name: "two", node: node.name });
      assert.deepEqual(await check(cluster), []);
      await node.exec(["ip", "netns", "add", "stray"]);
      const { code, reply } = await callCni(node, "ADD", { container: "stray", pod: "forgotten/one" });
      assert.equal(code, 0, reply);
      const [finding, ...others] = await check(cluster);
      assert.deepEqual([finding?.kind, others], ["leaked", []]);
      assert.equal(finding?.details, `held for pod forgotten/one, which has ${one?.ips.join(", ")}`);
      await eventually(async () => assert.equal((await readLedger(cluster, node))["links"]?.length, 2), {
        within: 240_000,
        every: 1000,
      });
      assert.deepEqual(await check(cluster), []);
      assert.equal(await reaches("two", one?.ips[0] ?? ""), "one");
      await node.exec(["ip", "netns", "del", "stray"]);
    });
    await untilNothingIsLeft(cluster, node);
  },
};

/** As an administrator runs it. */
async function check({ nodes }: Cluster): Promise<CheckReply["findings"]> {
  const argv = [
    ...[process.execPath, join(ROOT, "src/main.ts"), "ipam", "check"],
    ...["--kubeconfig", credentials.kubeconfig("admin"), "--format", "json"],
    ...["--rootURL", `https://${nodes[0]?.ips[0] ?? ""}:9600`],
    ...["--daemon-ca", fileOf("pki", "romana-ca.pem"), "--daemon-token-file", fileOf("pki", "admin.token")],
  ];
  const { code, stdout, stderr } = await run(argv, { netns: netnsOf(CONTROL) });
  assert.ok(code === 0 || code === 3, stderr);
  return (JSON.parse(stdout) as CheckReply).findings;
}
