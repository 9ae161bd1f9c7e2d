import assert from "node:assert/strict";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Ask, daemonBed, kill } from "../../../test/support/daemon-process.ts";
import { twoRacks } from "../../../test/support/daemon.ts";
import type { AddressReply, HostReportReply } from "../../core/api/types.ts";

const allocateMany = (ask: Ask, from: number, to: number): Promise<AddressReply[]> =>
  Promise.all(
    Array.from({ length: to - from }, (_, i) =>
      ask<AddressReply>("POST", "/address", { name: `pod-${from + i}`, host: "h1", tenant: "t" }),
    ),
  );
const prepare = async (ask: Ask): Promise<void> => {
  await ask("POST", "/topology", twoRacks);
  await ask("POST", "/hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
};

test("killed and started again: the same addresses; stopped: exit code 0", async (t) => {
  const { start, ask } = await daemonBed(t);
  const first = await start("--new-cluster");
  await prepare(ask);
  const given = await allocateMany(ask, 0, 40);
  await kill(first, "SIGKILL");
  const second = await start("--adoption-window=1m");
  assert.equal(
    (await ask("POST", "/address", { name: "new", host: "h1", tenant: "t" })).code,
    "ADOPTION_PENDING",
  );
  await ask("POST", "/hosts/h1/report", { endpoints: [] });
  assert.deepEqual(await allocateMany(ask, 0, 40), given);
  const { addresses } = await ask<{ addresses: AddressReply[] }>("GET", "/addresses");
  assert.equal(addresses.length, 40);
  const started = performance.now();
  assert.equal(await kill(second, "SIGTERM"), 0);
  assert.ok(performance.now() - started < 5000);
});

test("an older database under a live agent never hands out a live address", async (t) => {
  const { dir, start, ask } = await daemonBed(t);
  const first = await start("--new-cluster");
  await prepare(ask);
  await allocateMany(ask, 0, 10);
  await kill(first, "SIGTERM");
  await copyFile(join(dir, "romana.db"), join(dir, "old.db"));
  const second = await start("--adoption-window=0");
  const endpoints = [...(await allocateMany(ask, 0, 40))];
  const { cluster, revision } = await ask<HostReportReply>("POST", "/hosts/h1/report", { endpoints });
  await kill(second, "SIGTERM");

  for (const suffix of ["", "-wal", "-shm"]) await rm(join(dir, `romana.db${suffix}`), { force: true });
  await copyFile(join(dir, "old.db"), join(dir, "romana.db"));
  await start("--adoption-window=100ms");
  const report = { seen: { cluster, revision }, endpoints };
  assert.deepEqual((await ask<HostReportReply>("POST", "/hosts/h1/report", report)).conflicts, []);
  const live = new Set(endpoints.flatMap(({ ips }) => ips));
  for (let i = 0; i < 60;) {
    const reply = await ask<AddressReply>("POST", "/address", { name: `new-${i}`, host: "h1", tenant: "t" });
    // Pending: the wait is over, and the watch has not told it yet.
    if (reply.code === "STORE_FORGOT" || reply.code === "ADOPTION_PENDING") continue;
    assert.equal(reply.code, undefined);
    for (const ip of reply.ips) assert.ok(!live.has(ip), ip);
    i++;
  }
  assert.deepEqual(
    (await allocateMany(ask, 0, 40)).map(({ ip }) => ip),
    endpoints.map(({ ip }) => ip),
  );
});
