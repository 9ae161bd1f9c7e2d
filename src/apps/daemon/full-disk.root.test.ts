// The daemon on a disk that is full: it says so, goes on with all that needs no disk, and mends when there is space.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startDaemon, twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { mountSmallDisk } from "../../../test/support/small-disk.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import type { AddressReply } from "../../core/api/types.ts";
import { openSqliteStore } from "../../io/store/sqlite-store.ts";

test("a full disk: 503 STORE_FULL, no address given twice, the same addresses after a new start", async (t) => {
  const disk = mountSmallDisk(t, 4);
  const path = join(disk.path, "romana.db");
  const open = async (...argv: string[]) =>
    startDaemon({ argv, store: await openSqliteStore({ path, clock: systemClock, log: silentLog }) });
  let running = await open("--new-cluster");
  t.after(() => running.close());
  const { call } = running;
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h0", ip: "192.168.0.1", tags: { rack: "a" } });
  const given = new Map<string, string>();
  const allocate = async (name: string): Promise<string> => {
    const { status, body } = await call("POST /address", { name, host: "h0", tenant: "t" });
    if (status === 200) given.set(name, String(body["ip"]));
    else assert.deepEqual([status, body["code"]], [503, "STORE_FULL"]);
    return status === 200 ? "given" : "full";
  };
  disk.fill();
  for (let i = 0; (await allocate(`before-${i}`)) === "given"; i++);
  assert.equal((await call("GET /addresses")).status, 200);
  assert.equal((await call("GET /healthz")).status, 200);
  disk.free();
  await eventually(async () => assert.equal(await allocate("between"), "given"));
  assert.equal(new Set(given.values()).size, given.size);
  const listed = async (): Promise<Map<string, string>> =>
    new Map(
      ((await running.call("GET /addresses")).body["addresses"] as AddressReply[]).map(({ name, ip }) => [
        name,
        ip,
      ]),
    );
  assert.deepEqual(await listed(), given);
  await running.close();
  running = await open();
  assert.deepEqual(await listed(), given);
});
