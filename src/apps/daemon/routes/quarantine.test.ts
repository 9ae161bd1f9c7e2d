// What a removed host had is nobody's until its quarantine and cooldown are over; the host itself, back again, gets its own at once.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Call, startDaemon } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { systemClock } from "../../../base/clock.ts";
import type { CheckReply } from "../../../core/api/ipam.ts";

/** One block, of one rack with two hosts. */
const oneBlock = {
  networks: [{ name: "v4", cidr: "10.0.0.0/29" }],
  topologies: [{ networks: ["v4"], map: [{ name: "all", groups: [] }] }],
};

/** `pass` moves the daemon's wall clock. */
async function start(t: TestContext) {
  let ahead = 0;
  const running = await startDaemon({
    clock: { ...systemClock, now: () => systemClock.now() + ahead },
    argv: ["--new-cluster", "--host-quarantine=5m"],
  });
  t.after(() => running.close());
  await running.call("POST /topology", oneBlock);
  for (const [name, ip] of [
    ["h1", "192.168.0.1"],
    ["h2", "192.168.0.2"],
  ])
    await running.call("POST /hosts", { name, ip });
  return { call: running.call, pass: (seconds: number) => void (ahead += seconds * 1000) };
}

const ask = (call: Call, name: string, host: string, ...ips: string[]) =>
  call("POST /address", { name, host, tenant: "t", ...(ips.length > 0 && { ips }) });

test("nobody else gets it while the quarantine lasts, by number neither, and a check finds nothing wrong", async (t) => {
  const { call, pass } = await start(t);
  await ask(call, "net/a/eth0", "h1");
  assert.equal((await call("DELETE /hosts/h1")).status, 200);
  for (const seconds of [0, 31, 200]) {
    pass(seconds);
    assert.equal((await ask(call, "b", "h2")).body["code"], "EXHAUSTED");
    const wanted = await ask(call, "b", "h2", "10.0.0.5");
    assert.deepEqual([wanted.status, wanted.body["code"]], [409, "IP_QUARANTINED"]);
    assert.match(String(wanted.body["details"]), /removed host h1 had it.*after 20/);
  }
  assert.equal(((await call("GET /ipam/check")).body as CheckReply).total, 0);
  pass(70);
  await eventually(async () => assert.equal((await ask(call, "b", "h2")).status, 200), { within: 20_000 });
});

test("the host comes back and reports: it has its own again, with the old number", async (t) => {
  const { call } = await start(t);
  const { body } = await ask(call, "net/a/eth0", "h1");
  await call("DELETE /hosts/h1");
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1" });
  const { ips, sequence } = body;
  const endpoints = [{ name: "net/a/eth0", ips, tenant: "t", segment: "", sequence }];
  const report = await call("POST /hosts/h1/report", { endpoints, in_hand: [] });
  assert.deepEqual(report.body["conflicts"], []);
  assert.deepEqual((await ask(call, "net/a/eth0", "h1")).body, body);
});
