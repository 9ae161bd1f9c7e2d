import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks, type Call } from "../../../test/support/daemon.ts";
import { createFakeClock, type FakeClock } from "../../../test/support/fake-clock.ts";
import type { AddressReply, HostReportReply } from "../../core/api/types.ts";

type Running = Awaited<ReturnType<typeof startDaemon>> & { readonly clock: FakeClock };
const start = async (t: TestContext, argv: string[]): Promise<Running> => {
  const clock = createFakeClock();
  const running = await startDaemon({ argv, clock });
  t.after(() => running.close());
  await running.call("POST /topology", twoRacks);
  return { ...running, clock };
};
const join = (call: Call, host: string, i: number) =>
  call("POST /hosts", { name: host, ip: `192.168.0.${i}`, tags: { rack: "a" } });
const allocate = async (call: Call, name: string, host: string): Promise<unknown> => {
  const { status, body } = await call("POST /address", { name, host, tenant: "t" });
  return status === 200 ? body["ip"] : body["code"];
};
const report = async (call: Call, host: string, body: object): Promise<HostReportReply> =>
  (await call(`POST /hosts/${host}/report`, body)).body as unknown as HostReportReply;
const seenElsewhere = { cluster: "another", revision: 7 };

/** What two agents hold after a life with an earlier daemon. */
async function earlierLife(t: TestContext) {
  const { call } = await start(t, ["--new-cluster"]);
  await join(call, "h1", 1);
  await join(call, "h2", 2);
  for (let i = 0; i < 24; i++) await allocate(call, `pod-${i}`, i % 2 ? "h1" : "h2");
  const addresses = (await call("GET /addresses")).body["addresses"] as AddressReply[];
  const endpointsOf = (host: string) => addresses.filter((address) => address.host === host);
  return { addresses, endpointsOf };
}

test("an empty store under live agents never hands out a live address", async (t) => {
  const { addresses, endpointsOf } = await earlierLife(t);
  const { call, clock } = await start(t, ["--adoption-window=10s"]);
  await join(call, "h1", 1);
  await join(call, "h2", 2);
  assert.equal(await allocate(call, "new", "h1"), "ADOPTION_PENDING");
  const first = await report(call, "h1", { seen: seenElsewhere, endpoints: endpointsOf("h1") });
  assert.deepEqual([first.state, first.waiting_for, first.conflicts], ["waiting", ["h2"], []]);
  await clock.advance(10_000);
  assert.equal(await allocate(call, "new", "h1"), "STORE_FORGOT");
  const second = await report(call, "h2", { seen: seenElsewhere, endpoints: endpointsOf("h2") });
  assert.deepEqual([second.state, second.conflicts], ["ready", []]);
  const again = await report(call, "h1", { seen: seenElsewhere, endpoints: endpointsOf("h1") });
  assert.equal(
    again.state,
    "ready",
    "what was told before the agent followed this store begins no other wait",
  );
  const live = new Set(addresses.flatMap(({ ips }) => ips));
  for (let i = 0; i < 30; i++) assert.ok(!live.has(String(await allocate(call, `new-${i}`, "h1"))));
  const present = (await call("GET /addresses")).body["addresses"] as AddressReply[];
  for (const { name, ips, sequence } of addresses) {
    const found = present.find((address) => address.name === name);
    assert.deepEqual([found?.ips, found?.sequence], [ips, sequence]);
  }
});

test("reports that come before the topology and the hosts are adopted with them", async (t) => {
  const { endpointsOf } = await earlierLife(t);
  const running = await startDaemon({ argv: ["--new-cluster"] });
  t.after(() => running.close());
  const { call } = running;
  const early = await report(call, "h1", { endpoints: endpointsOf("h1") });
  assert.equal(early.conflicts.length, 24);
  await call("POST /topology", twoRacks);
  await join(call, "h1", 1);
  const adopted = (await call("GET /addresses")).body["addresses"] as AddressReply[];
  assert.deepEqual(
    adopted.map(({ ip }) => ip).sort(),
    endpointsOf("h1")
      .map(({ ip }) => ip)
      .sort(),
  );
  assert.equal(running.daemon.unadopted.size, 0);
});

test("who followed another store is not served this one's world before it has heard what is alive", async (t) => {
  const { call } = await start(t, ["--adoption-window=10m"]);
  await join(call, "h1", 1);
  const { status, body } = await call("GET /watch?since=7&cluster=another");
  assert.deepEqual([status, body["code"]], [503, "ADOPTION_PENDING"]);
  await report(call, "h1", { seen: seenElsewhere, endpoints: [] });
  assert.equal((await call("GET /watch?since=7&cluster=another")).body["code"], "STORE_FORGOT");
});

test("the operator ends the wait", async (t) => {
  const { call } = await start(t, ["--adoption-window=10m"]);
  await join(call, "h1", 1);
  await report(call, "h1", { seen: seenElsewhere, endpoints: [] });
  assert.equal(await allocate(call, "p", "h1"), "STORE_FORGOT");
  assert.deepEqual((await call("POST /ipam/adopt", { force: true })).body, {
    policies: "known",
    state: "ready",
    waiting_for: [],
  });
  assert.equal(await allocate(call, "p", "h1"), "10.0.0.0");
});

test("an agent that has seen what the store has is no sign of a loss", async (t) => {
  const { call, daemon } = await start(t, ["--new-cluster"]);
  await join(call, "h1", 1);
  const seen = { cluster: daemon.store.identity.clusterId, revision: daemon.mirror.revision };
  assert.equal((await report(call, "h1", { seen, endpoints: [] })).state, "ready");
  const beyond = { ...seen, revision: seen.revision + 1 };
  assert.equal((await report(call, "h1", { seen: beyond, endpoints: [] })).state, "waiting");
});

test("two agents that claim one address: the first keeps it, the other is told", async (t) => {
  const { call } = await start(t, ["--new-cluster"]);
  await join(call, "h1", 1);
  await join(call, "h2", 2);
  const claim = (name: string) => ({
    endpoints: [{ name, ips: ["10.0.1.1"], tenant: "t", segment: "", sequence: 5 }],
  });
  assert.deepEqual((await report(call, "h1", claim("a"))).conflicts, []);
  const [conflict] = (await report(call, "h2", claim("b"))).conflicts;
  assert.deepEqual([conflict?.name, conflict?.ip], ["b", "10.0.1.1"]);
});
