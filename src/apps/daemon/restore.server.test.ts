// A backup of a running daemon, restored when the world has gone on: nothing that lives is handed out.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Ask, daemonBed, kill } from "../../../test/support/daemon-process.ts";
import { twoRacks } from "../../../test/support/daemon.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { systemClock, systemRng } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import type { RecordPage } from "../../io/store/backup/backup-lines.ts";
import { importRecords } from "../../io/store/backup/import-records.ts";
import { openStore } from "../../io/store/open-store.ts";
import type { AddressReply, HostReportReply } from "../../core/api/types.ts";

const HOSTS = { h1: 1, h2: 2, h3: 3 } as const;
type Host = keyof typeof HOSTS;

const joins = (ask: Ask, host: Host) =>
  ask("POST", "/hosts", { name: host, ip: `192.168.0.${HOSTS[host]}`, tags: { rack: "a" } });
const allocate = (ask: Ask, name: string, host: Host) =>
  ask<AddressReply>("POST", "/address", { name, host, tenant: "t" });
const allocateMany = (ask: Ask, host: Host, from: number, to: number): Promise<AddressReply[]> =>
  Promise.all(Array.from({ length: to - from }, (_, i) => allocate(ask, `${host}-${from + i}`, host)));

test("an old backup under running pods: nothing is handed out until all hosts have reported, and then nothing that lives", async (t) => {
  const { dir, start, ask, romana } = await daemonBed(t);
  const backup = join(dir, "old.backup");
  const store = join(dir, "romana.db");
  const first = await start("--new-cluster");
  await ask("POST", "/topology", twoRacks);
  await joins(ask, "h1");
  await joins(ask, "h2");
  const old = await allocateMany(ask, "h1", 0, 10);
  const [during, said] = await Promise.all([allocateMany(ask, "h1", 10, 30), romana("backup", backup)]);
  assert.match(said, /old\.backup holds \d+ records, cluster \S+ at revision \d+/);

  // What the backup knows nothing of: more pods, pods elsewhere, a host.
  await joins(ask, "h3");
  const alive: Record<Host, AddressReply[]> = {
    h1: [...old, ...during, ...(await allocateMany(ask, "h1", 30, 40))],
    h2: await allocateMany(ask, "h2", 0, 20),
    h3: await allocateMany(ask, "h3", 0, 20),
  };
  const seen = await ask<HostReportReply>("POST", "/hosts/h1/report", { endpoints: alive.h1 });
  const report = (host: Host) =>
    ask<HostReportReply>("POST", `/hosts/${host}/report`, {
      seen: { cluster: seen.cluster, revision: seen.revision },
      endpoints: alive[host],
    });

  await kill(first, "SIGKILL");
  for (const suffix of ["", "-wal", "-shm", "-pid"]) await rm(`${store}${suffix}`, { force: true });
  await romana("store", "import", backup, `sqlite:${store}`);

  const second = await start("--adoption-window=100ms");
  const refusal = async (): Promise<string | undefined> => {
    const { code, details } = await ask<{ details: string }>("POST", "/address", {
      name: "new",
      host: "h1",
      tenant: "t",
    });
    assert.equal(code, "STORE_FORGOT");
    return details;
  };
  await eventually(async () => assert.match((await refusal()) ?? "", /waiting for hosts h1, h2 /));
  await joins(ask, "h3");
  assert.deepEqual((await report("h1")).waiting_for, ["h2", "h3"]);
  assert.deepEqual((await report("h3")).waiting_for, ["h2"]);
  await refusal();

  // It knows after another death, too.
  await kill(second, "SIGKILL");
  await start("--adoption-window=100ms");
  await eventually(async () => assert.match((await refusal()) ?? "", /waiting for hosts h1, h2, h3 /));
  for (const host of ["h1", "h3"] as const) assert.equal((await report(host)).state, "waiting");
  // A quick machine is here before the window has passed.
  const last = await eventually(async () => {
    const reply = await report("h2");
    assert.deepEqual([reply.state, reply.conflicts], ["ready", []]);
    return reply;
  });
  assert.notEqual(last.cluster, seen.cluster);

  const live = Object.values(alive).flat();
  const known = (await ask<{ addresses: AddressReply[] }>("GET", "/addresses")).addresses;
  for (const { name, ips, sequence } of live) {
    const found = known.find((address) => address.name === name);
    assert.deepEqual([found?.ips, found?.sequence], [ips, sequence]);
  }
  const taken = new Set(live.flatMap(({ ips }) => ips));
  for (const host of ["h1", "h2", "h3"] as const)
    for (const { ips } of await allocateMany(ask, host, 100, 130))
      for (const ip of ips) assert.ok(!taken.has(ip), ip);
});

test("a restored store that has heard from all is as any other after the next start", async (t) => {
  const { dir, start, ask, romana, log } = await daemonBed(t);
  const backup = join(dir, "backup");
  const first = await start("--new-cluster");
  await ask("POST", "/topology", twoRacks);
  await joins(ask, "h1");
  await romana("backup", backup);
  await kill(first, "SIGTERM");
  await romana("store", "import", backup, `sqlite:${join(dir, "romana.db")}`, "--replace");
  const second = await start("--adoption-window=0");
  assert.equal((await allocate(ask, "p", "h1")).code, "STORE_FORGOT");
  await ask("POST", "/hosts/h1/report", { endpoints: [] });
  assert.equal((await allocate(ask, "p", "h1")).code, undefined);
  await eventually(() => assert.match(log(), /"round":2,"state":"open","msg":"adoption"/));
  await kill(second, "SIGTERM");
  const third = await start("--adoption-window=0");
  assert.equal((await allocate(ask, "q", "h1")).code, undefined);
  await kill(third, "SIGTERM");
  assert.match(await romana("store", "verify", `sqlite:${join(dir, "romana.db")}`), /2 addresses/);
});

test("a daemon does not start on half an import, and says what to do", async (t) => {
  const { dir, start } = await daemonBed(t);
  const deps = { clock: systemClock, rng: systemRng, log: silentLog };
  const store = await openStore(`sqlite:${join(dir, "romana.db")}`, deps);
  async function* cutOff(): AsyncGenerator<RecordPage> {
    const origin = { cluster: "c", generation: 0, revision: 7, taken: "2026-11-25T09:00:00.000Z" };
    yield { header: { romana_backup: 1, schema: 1, ...origin }, pairs: [] };
    throw new UnavailableError({ code: "FILE_FAILED" });
  }
  await assert.rejects(importRecords(store, cutOff(), { replace: false }), { code: "FILE_FAILED" });
  await store.close();
  await assert.rejects(start(), /part of the backup of 2026-11-25T09.*revision 7.*import the same again/);
});
