// A request whose answer is lost on the way from one daemon is asked again of another: one address, one record. Real etcd, two daemons, and a
// proxy that cuts at random points. The seed replays the choice of points; the machine's timing is its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestStore } from "../../../test/store/etcd.ts";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { startEtcd } from "../../../test/support/etcd.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { startTcpProxy } from "../../../test/support/tcp-proxy.ts";
import { Milliseconds, seededRng, systemClock } from "../../base/clock.ts";
import type { AddressList } from "../../core/api/types.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";

const REQUESTS = 150;

test("an allocation cut off at any point is repeated at another daemon: the same address, one record", async (t) => {
  const etcd = await startEtcd();
  t.after(() => etcd.dispose());
  const start = async () => {
    const running = await startDaemon({
      argv: ["--adoption-window", "0"],
      store: await openTestStore(etcd.urls),
    });
    t.after(() => running.close());
    return { ...running, url: new URL(await running.app.listen({ host: "127.0.0.1", port: 0 })) };
  };
  const [a, b] = [await start(), await start()];
  await a.call("POST /topology", twoRacks);
  await a.call("POST /hosts", { name: "h", ip: "192.168.0.1", tags: { rack: "a" } });
  await eventually(() => assert.ok(b.daemon.mirror.state.hosts.has("h")));
  const proxy = await startTcpProxy(a.url);
  t.after(() => proxy.close());
  const viaProxy = new URL(`http://${proxy.address}`);
  const client = createDaemonClient([viaProxy, b.url]);
  t.after(() => client.close());
  const rng = seededRng(20261125);
  const told = new Map<string, string>();
  let moved = 0;
  for (let i = 0; i < REQUESTS; i++) {
    client.replicas.use(viaProxy);
    if (rng() < 0.5) proxy.hold("replies");
    const asked = client.allocate({ name: `p${i}`, host: "h", tenant: "t" });
    await systemClock.sleep(Milliseconds(8 * rng()));
    proxy.cut();
    told.set(`p${i}`, (await asked).ips.join());
    if (client.replicas.current === b.url) moved++;
  }
  assert.ok(moved > REQUESTS / 4, `only ${moved} were repeated`);
  t.diagnostic(`${moved} of ${REQUESTS} asked again at the other daemon`);
  await eventually(async () => {
    for (const { call } of [a, b]) {
      const { addresses } = (await call("GET /addresses")).body as unknown as AddressList;
      assert.deepEqual(new Map(addresses.map(({ name, ips }) => [name, ips.join()])), told);
    }
  });
  assert.equal(new Set([...told.values()].flatMap((ips) => ips.split(","))).size, 2 * REQUESTS);
});
