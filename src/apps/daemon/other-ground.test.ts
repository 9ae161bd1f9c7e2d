// What one daemon was told and could not adopt, while another one is told of the host or the network: nothing that lives is handed out.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks, type Call } from "../../../test/support/daemon.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import type { HostReportReply } from "../../core/api/types.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";

/** Two daemons on one store. */
async function world(t: TestContext, argv: string[]) {
  const clock = createFakeClock();
  const store = storeWith(createMemoryStore({ clock }), { close: async () => undefined });
  const start = async (): Promise<Call> => {
    const running = await startDaemon({ store, clock, argv });
    t.after(() => running.close());
    return running.call;
  };
  return { clock, one: await start(), two: await start() };
}
const alive = (...ips: string[]) =>
  ips.map((ip, i) => ({ name: `pod-${i}`, ips: [ip], tenant: "t", segment: "", sequence: 5 }));
const report = async (call: Call, body: object): Promise<HostReportReply> =>
  (await call("POST /hosts/h1/report", body)).body as unknown as HostReportReply;
const allocate = async (call: Call): Promise<unknown> => {
  const { status, body } = await call("POST /address", { name: "new", host: "h1", tenant: "t" });
  return status === 200 ? body["ip"] : body["code"];
};
const host = { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } };

test("a lost store whose hosts are not known yet: none is handed what lives on one that told another daemon of it", async (t) => {
  const { clock, one, two } = await world(t, ["--adoption-window=10s"]);
  await one("POST /topology", twoRacks);
  const told = { seen: { cluster: "another", revision: 7 }, endpoints: alive("10.0.0.0") };
  assert.deepEqual((await report(one, told)).waiting_for, ["h1"]);
  await clock.advance(20_000);
  await two("POST /hosts", host);
  assert.equal(await allocate(two), "STORE_FORGOT");
  assert.deepEqual((await report(two, told)).conflicts, []);
  await clock.advance(1000);
  await eventually(async () => assert.equal(await allocate(two), "10.0.0.1"));
});

test("what lay in no network is adopted by who heard of it when another daemon puts the network", async (t) => {
  const { clock, one, two } = await world(t, ["--new-cluster"]);
  await one("POST /topology", twoRacks);
  await one("POST /hosts", host);
  assert.equal((await report(one, { endpoints: alive("10.9.0.0") })).conflicts.length, 1);
  const networks = [...twoRacks.networks, { name: "more", cidr: "10.9.0.0/16" }];
  const [tree] = twoRacks.topologies;
  const topologies = [{ ...tree, networks: ["v4", "v6", "more"] }];
  const { status } = await two("POST /topology", { ...twoRacks, networks, topologies });
  assert.equal(status, 200);
  await clock.advance(500);
  await eventually(async () => {
    const { addresses } = (await two("GET /addresses")).body as { addresses: { name: string }[] };
    assert.deepEqual(
      addresses.map(({ name }) => name),
      ["pod-0"],
    );
  });
});
