// Reports that arrive when what they tell of is gone: an agent looked, its pod went, and the report was still on its way.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks, type Call } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import type { Store } from "../../io/store/store.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import type { AddressReply, HostReport, HostReportReply } from "../../core/api/types.ts";
import { storeWith } from "../../../test/support/store-with.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";

const POD = "net/container/eth0";

const ahead = { ...systemClock, now: () => systemClock.now() + 3_600_000 };

/** Two daemons on one store, the clock of the first ahead; a pod that it gave an address, and its agent's report of it. */
async function world(t: TestContext) {
  const store = createMemoryStore({ clock: systemClock });
  const start = async (clock: Clock): Promise<Call> => {
    const running = await startDaemon({ store, clock, argv: ["--new-cluster", "--adoption-window=0"] });
    t.after(() => running.close());
    return running.call;
  };
  const [call, other] = [await start(ahead), await start(systemClock)];
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  const given = await call("POST /address", { name: POD, host: "h1", tenant: "t" });
  assert.equal(given.status, 200);
  const { name, ips, tenant, segment, sequence } = given.body as unknown as AddressReply;
  const { cluster, revision } = await report(call, { endpoints: [] });
  const endpoint = { name, ips, tenant, segment, sequence };
  const late: HostReport = { endpoints: [endpoint], in_hand: [], seen: { cluster, revision } };
  return { call, other, late, start, store };
}
const report = async (call: Call, body: HostReport): Promise<HostReportReply> => {
  const reply = await call("POST /hosts/h1/report", body);
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body as unknown as HostReportReply;
};
const release = async (call: Call): Promise<void> =>
  assert.equal((await call(`DELETE /address?addressName=${encodeURIComponent(POD)}`)).status, 200);
const held = async (call: Call): Promise<AddressReply[]> =>
  (await call("GET /addresses")).body["addresses"] as AddressReply[];

test("a report from before a release, at whichever daemon it arrives, does not bring the address back", async (t) => {
  const { call, other, late } = await world(t);
  await release(call);
  for (const each of [call, other]) await report(each, late);
  assert.deepEqual(await held(call), []);
});

test("a report from before a release does not bring the address back at a daemon that started after it", async (t) => {
  const { call, late, start } = await world(t);
  await release(call);
  await report(await start(systemClock), late);
  assert.deepEqual(await held(call), []);
});

test("a report and a release that come together leave the address released", async (t) => {
  const { call, late } = await world(t);
  await Promise.all([release(call), report(call, late)]);
  assert.deepEqual(await held(call), []);
});

test("a report of an earlier life does not take the place of the present one, though its number is greater", async (t) => {
  const { call, other, late } = await world(t);
  await release(call);
  // Of another tenant, so in another block, which counts by the other clock.
  const again = { name: POD, host: "h1", tenant: "u" };
  const { body } = await eventually(async () => {
    const reply = await other("POST /address", again);
    assert.equal(reply.status, 200);
    return reply;
  });
  assert.ok(Number(body["sequence"]) < (late.endpoints[0]?.sequence ?? 0));
  for (const each of [call, other]) await report(each, late);
  assert.deepEqual(
    (await held(call)).map(({ sequence }) => sequence),
    [body["sequence"]],
  );
});

test("a report that is planned together with a release leaves the address released", async (t) => {
  const { other, late, store } = await world(t);
  let gate = Promise.resolve();
  const txn: Store["txn"] = (compares, operations) => gate.then(() => store.txn(compares, operations));
  const running = await startDaemon({ store: storeWith(store, { txn }) });
  t.after(() => running.close());
  const { daemon, call } = running;
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  const submit = t.mock.method(daemon.writer, "submit");
  // Merged with the release, and another daemon is quicker: the release is planned again, with the report.
  const rival = { name: "q", host: "h1", tenant: "u" };
  const beaten = call("POST /address", rival);
  const released = release(call);
  await eventually(() => assert.deepEqual([...daemon.mirror.state.addresses.keys()], ["q"]));
  const reported = report(call, late);
  await eventually(() => assert.equal(submit.mock.callCount(), 3));
  assert.equal((await other("POST /address", rival)).status, 200);
  held.resolve();
  await Promise.all([beaten, released, reported]);
  await eventually(() => assert.deepEqual([...daemon.mirror.state.addresses.keys()], ["q"]));
});

test("what could be adopted in part only is not brought back by a host that joins after its release", async (t) => {
  const { call, late } = await world(t);
  await call("POST /address", { name: "net/other/eth0", host: "h1", tenant: "t" });
  await release(call);
  // Its block is another tenant's: it is taken all the same, and told to be misplaced.
  const misplaced = late.endpoints.map((each) => ({ ...each, tenant: "u" }));
  const { conflicts } = await report(call, { endpoints: misplaced, in_hand: [] });
  assert.equal(conflicts.length, 2, JSON.stringify(conflicts));
  await release(call);
  await call("POST /hosts", { name: "h2", ip: "192.168.0.2", tags: { rack: "b" } });
  const names = (await held(call)).map(({ name }) => name);
  assert.deepEqual(names, ["net/other/eth0"]);
});

test("who still lives after its address was released gets it back with a report made after that", async (t) => {
  const { call, late } = await world(t);
  await release(call);
  const { cluster, revision } = await report(call, late);
  await report(call, { ...late, seen: { cluster, revision } });
  assert.equal((await held(call)).length, 1);
});
