// Daemons on a real etcd: what one does the other knows, and a member's death costs no request.
import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import { type Call, startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { type EtcdCluster, startEtcd } from "../../../test/support/etcd.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { openTestStore } from "../../../test/store/etcd.ts";

const REQUESTS = 200;
let etcd: EtcdCluster;
before(async () => {
  etcd = await startEtcd({ size: 3 });
});
after(() => etcd.dispose());

async function daemonAt(t: TestContext, index: number): Promise<Call> {
  const store = await openTestStore([...etcd.urls.slice(index), ...etcd.urls.slice(0, index)]);
  const running = await startDaemon({ argv: ["--adoption-window", "0"], store });
  t.after(() => running.close());
  return running.call;
}

test("two daemons on one etcd hand out no address twice, also while the member of one of them is killed", async (t) => {
  const [one, two] = [await daemonAt(t, 0), await daemonAt(t, 1)];
  assert.equal((await one("POST /topology", twoRacks)).status, 200);
  assert.equal(
    (await one("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } })).status,
    200,
  );
  await eventually(async () => assert.equal((await two("GET /hosts/h1")).status, 200));
  const allocate = async (call: Call, name: string): Promise<unknown> => {
    const { status, body } = await call("POST /address", { name, host: "h1", tenant: "t" });
    assert.equal(status, 200, JSON.stringify(body));
    return body["ip"];
  };
  const names = Array.from({ length: REQUESTS }, (_, i) => `pod-${i}`);
  const asked = names.map((name, i) => allocate(i % 2 ? one : two, name));
  await etcd.members[0]?.kill();
  const given = await Promise.all(asked);
  assert.equal(new Set(given).size, REQUESTS);
  // Asked again, of the other one: the same.
  assert.deepEqual(await Promise.all(names.map((name, i) => allocate(i % 2 ? two : one, name))), given);
});
