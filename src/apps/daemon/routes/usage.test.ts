// `GET /ipam/usage`, `GET /ipam/address` and the metrics: what is given out, as the API tells it.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { storeWith } from "../../../../test/support/store-with.ts";
import { systemClock } from "../../../base/clock.ts";
import { createMemoryStore } from "../../../io/store/memory-store.ts";
import type { AddressInfoReply, UsageReply } from "../../../core/api/ipam.ts";

async function start(t: TestContext, store = createMemoryStore({ clock: systemClock })) {
  const running = await startDaemon({
    store: storeWith(store, { close: async () => undefined }),
    argv: ["--new-cluster", "--adoption-window=0"],
  });
  t.after(() => running.close());
  const { call, app } = running;
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  for (const name of ["a", "b"]) await call("POST /address", { name, host: "h1", tenant: "t", pod: "t/web" });
  await call("DELETE /address?addressName=b");
  return {
    store,
    close: () => running.close(),
    call,
    metrics: async () => (await app.inject("/metrics")).body,
  };
}

test("by group, with all below it, and by tenant", async (t) => {
  const { call } = await start(t);
  await call("POST /blackouts", { cidr: "10.0.128.0/24" });
  const { groups, tenants } = (await call("GET /ipam/usage")).body as UsageReply;
  const rows = groups
    .filter(({ network }) => network === "v4")
    .map((row) => [
      row.group,
      row.cidr,
      row.blocks,
      row.used,
      row.cooling,
      row.reserved,
      row.free,
      row.largest_free,
    ]);
  assert.deepEqual(rows, [
    ["", "10.0.0.0/16", 1, 1, 1, 256, 65536 - 258, "10.0.64.0/18"],
    ["rack-a", "10.0.0.0/17", 1, 1, 1, 0, 32768 - 2, "10.0.64.0/18"],
    ["rack-b", "10.0.128.0/17", 0, 0, 0, 256, 32768 - 256, "10.0.192.0/18"],
  ]);
  assert.deepEqual(tenants, [{ tenant: "t", blocks: 2, used: 2, cooling: 2, quarantined: 0 }]);
});

test("an address by number and by name, with its records; a name that nobody has is unknown", async (t) => {
  const { call } = await start(t);
  const ask = async (of: string): Promise<AddressInfoReply["addresses"]> =>
    ((await call(`GET /ipam/address?of=${of}`)).body as AddressInfoReply).addresses;
  const [four, six] = await ask("a");
  assert.deepEqual([four?.ip, six?.ip], ["10.0.0.0", "fd00::"]);
  assert.deepEqual(await ask("10.0.0.0"), [four]);
  assert.deepEqual(
    [four?.state, four?.name, four?.pod, four?.host, four?.block, four?.group],
    ["used", "a", "t/web", "h1", "10.0.0.0/29", "rack-a"],
  );
  assert.match(four?.since ?? "", /^20\d\d-.*Z$/);
  assert.deepEqual(
    four?.evidence.map(({ key }) => key),
    ["/romana/v3/addresses/a", "/romana/v3/blocks/10.0.0.0/29"],
  );
  assert.equal((await ask("10.0.0.1"))[0]?.state, "cooling");
  assert.equal((await call("GET /ipam/address?of=nobody")).status, 404);
});

test("metrics of groups and findings, on the daemon that leads", async (t) => {
  const first = await start(t);
  await first.close();
  const { metrics } = await start(t, first.store);
  await eventually(async () => {
    const text = await metrics();
    assert.match(text, /^romana_daemon_group_addresses\{network="v4",group="rack-a",state="used"\} \d+$/m);
    assert.match(text, /^romana_daemon_ipam_findings\{kind="leaked"\} 0$/m);
  });
});
