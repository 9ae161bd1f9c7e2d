// Where a replica looks for new blocks: each at a place of its own, and at the same one after a restart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";

/** The first address that a daemon gives which listens there: on a store that is empty, and may be shared. */
async function firstGiven(store: string, listen: string): Promise<unknown> {
  const running = await startDaemon({ argv: ["--new-cluster", "--store", store, "--listen", listen] });
  try {
    await running.call("POST /topology", twoRacks);
    await running.call("POST /hosts", { name: "h1", ips: ["192.168.0.1"], tags: { rack: "a" } });
    const { status, body } = await running.call("POST /address", { name: "p", host: "h1", tenant: "t" });
    assert.equal(status, 200, JSON.stringify(body));
    return body["ips"];
  } finally {
    await running.close();
  }
}

const ETCD = "etcd:http://127.0.0.1:2379";

test("a replica looks for new blocks at a place of its own, and at the same one after a restart", async () => {
  const [one, again, other] = [
    await firstGiven(ETCD, "10.9.0.1:9600"),
    await firstGiven(ETCD, "10.9.0.1:9600"),
    await firstGiven(ETCD, "10.9.0.2:9600"),
  ];
  assert.deepEqual(again, one);
  assert.notDeepEqual(other, one);
});

test("the only daemon of an embedded store begins with the first block", async () => {
  assert.deepEqual(await firstGiven("memory", "127.0.0.1:9600"), ["10.0.0.0", "fd00::"]);
});
