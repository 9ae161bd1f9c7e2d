// `GET /ipam/check`: findings with the records that show them and their revisions.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { systemClock } from "../../base/clock.ts";
import type { CheckReply } from "../../core/api/ipam.ts";
import { createMemoryStore } from "../../io/store/memory-store.ts";

const PREFIX = "/romana/v3/";

async function start(t: TestContext) {
  const store = createMemoryStore({ clock: systemClock });
  const running = await startDaemon({ store });
  const { call } = running;
  t.after(() => running.close());
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  for (const name of ["a", "b"]) await call("POST /address", { name, host: "h1", tenant: "t" });
  const check = async (query = ""): Promise<CheckReply> =>
    (await call(`GET /ipam/check${query}`)).body as CheckReply;
  return { store, call, check };
}

test("a sound store has no findings", async (t) => {
  const { check } = await start(t);
  const { total, findings, counts } = await check();
  assert.deepEqual([total, findings, counts["leaked"]], [0, [], 0]);
});

test("records that went, and records that nobody can read, with the revisions that show it", async (t) => {
  const { store, check } = await start(t);
  const block = `${PREFIX}blocks/10.0.0.0/29`;
  await store.txn(
    [],
    [
      { kind: "delete", key: `${PREFIX}addresses/a` },
      { kind: "put", key: `${PREFIX}hosts/h2`, value: "{" },
    ],
  );
  await eventually(async () => assert.equal((await check()).total, 3));
  const { findings, counts } = await check();
  assert.deepEqual([counts["slot-without-address"], counts["garbage"]], [2, 1]);
  const [slot] = findings;
  assert.deepEqual([slot?.subject, slot?.host, slot?.ips], ["a", "h1", ["10.0.0.0"]]);
  const { entry } = await store.get(block);
  assert.deepEqual(slot?.evidence, [
    { key: block, revision: entry?.revision },
    { key: `${PREFIX}addresses/a`, revision: 0 },
  ]);
  assert.equal((await check("?limit=1")).findings.length, 1);
  assert.equal((await check("?limit=1")).total, 3);
});

test("a limit that is none is refused", async (t) => {
  const { call } = await start(t);
  const { status, body } = await call("GET /ipam/check?limit=all");
  assert.equal(status, 400);
  assert.match(JSON.stringify(body), /limit.*all/);
});
