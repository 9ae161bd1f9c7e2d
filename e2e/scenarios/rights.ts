import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { eventually } from "../../test/support/eventually.ts";
import { compareRoles, type Manifest } from "../../test/support/role-use.ts";
import type { Scenario } from "../scenarios.ts";
import { readAudit } from "../support/audit.ts";
import type { Cluster } from "../support/cluster.ts";
import { callCni } from "../support/cni.ts";
import { renderRomana } from "../support/install.ts";

const GHOST = "ghost";

export const rights: Scenario = {
  name: "Romana's accounts have every right that they use, and use every right that they have",
  async run(cluster) {
    await agentsAskForUnknownPod(cluster);
    await listenerTellsOfNode(cluster);
    const manifests = parseAllDocuments(await renderRomana()).map((each) => each.toJS() as Manifest | null);
    const roles = manifests.filter((each) => each !== null);
    await eventually(() => assert.deepEqual(compareRoles(roles, readAudit()), { missing: [], unused: [] }), {
      within: 60_000,
      every: 1000,
    });
  },
};

/** As for one that was deleted before its ADD is done: "try again later". */
async function agentsAskForUnknownPod({ nodes }: Cluster): Promise<void> {
  const [node] = nodes;
  assert.ok(node);
  const gone = { container: "gone", pod: "default/gone" };
  await node.exec(["ip", "netns", "add", gone.container]);
  try {
    const { code, reply } = await callCni(node, "ADD", gone);
    assert.equal(code, 1, reply);
    assert.match(reply, /"code":11.*Kubernetes has no pod of this name/s);
    assert.equal((await callCni(node, "DEL", gone)).code, 0);
  } finally {
    await node.exec(["ip", "netns", "del", gone.container]);
  }
}

/** Of one that has no address: an event on the Node says so. */
async function listenerTellsOfNode({ plane: { kubectl } }: Cluster): Promise<void> {
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: GHOST } };
  await kubectl(["create", "-f", "-"], { stdin: JSON.stringify(node) });
  try {
    const words = [
      "get",
      "events",
      `--field-selector=involvedObject.name=${GHOST},reason=NoAddress`,
      "-o",
      "name",
    ];
    await eventually(async () => assert.notEqual(await kubectl(words), ""), { within: 60_000, every: 500 });
  } finally {
    await kubectl(["delete", "node", GHOST]);
  }
}
