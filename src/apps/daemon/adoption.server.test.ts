// Several daemons on a real etcd that forgot: they wait together and leave the wait together, whichever of them hears what.
import assert from "node:assert/strict";
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, rmSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { type Ask, daemonBed, kill } from "../../../test/support/daemon-process.ts";
import { twoRacks } from "../../../test/support/daemon.ts";
import { type EtcdMember, startEtcd } from "../../../test/support/etcd.ts";
import { eventually } from "../../../test/support/eventually.ts";
import type { AddressReply, AdoptReply, HostReportReply } from "../../core/api/types.ts";

const HOSTS = ["h1", "h2", "h3"] as const;
type Host = (typeof HOSTS)[number];
type Seen = { readonly cluster: string; readonly revision: number };

type Replica = {
  readonly ask: Ask;
  child: ChildProcess;
  start(...flags: string[]): Promise<void>;
};

const WITHIN = { within: 30_000 };
const allocate = ({ ask }: Replica, name: string, host: Host) =>
  ask<AddressReply>("POST", "/address", { name, host, tenant: "t" });
const allocateMany = (replica: Replica, host: Host, from: number, to: number): Promise<AddressReply[]> =>
  Promise.all(Array.from({ length: to - from }, (_, i) => allocate(replica, `${host}-${from + i}`, host)));
const report = ({ ask }: Replica, host: Host, endpoints: readonly AddressReply[], seen?: Seen) =>
  ask<HostReportReply>("POST", `/hosts/${host}/report`, { endpoints, ...(seen && { seen }) });
const adoption = async ({ ask }: Replica): Promise<string> => {
  const { state, waiting_for: hosts } = await ask<AdoptReply>("POST", "/ipam/adopt", { force: false });
  return [state, ...hosts.toSorted()].join(" ");
};
const allSay = (replicas: readonly Replica[], wanted: string): Promise<void> =>
  eventually(async () => {
    const said = await Promise.all(replicas.map(adoption));
    assert.deepEqual(new Set(said), new Set([wanted]));
  }, WITHIN);

/** Three daemons on an etcd of one member, with two racks and three hosts. */
async function cluster(t: TestContext): Promise<{ member: EtcdMember; replicas: readonly Replica[] }> {
  const etcd = await startEtcd();
  t.after(() => etcd.dispose());
  const [member] = etcd.members;
  assert.ok(member);
  const replicas: Replica[] = [];
  for (let i = 0; i < 3; i++) replicas.push(await replicaOn(t, member.url));
  const [{ ask }] = replicas as [Replica];
  await ask("POST", "/topology", twoRacks);
  for (const [i, name] of HOSTS.entries())
    await ask("POST", "/hosts", { name, ip: `192.168.0.${i + 1}`, tags: { rack: "a" } });
  await allSay(replicas, "ready");
  return { member, replicas };
}

async function replicaOn(t: TestContext, url: string): Promise<Replica> {
  const bed = await daemonBed(t);
  const start = (...flags: string[]) => bed.start("--store", `etcd:${url}`, ...flags);
  const replica: Replica = {
    ask: bed.ask,
    child: await start("--new-cluster"),
    async start(...flags) {
      replica.child = await start(...flags);
    },
  };
  return replica;
}

/** As an operator who copies the folder back, and a supervisor who starts again what has ended. */
async function putBack(member: EtcdMember, backup: string, replicas: readonly Replica[]): Promise<void> {
  const ended = replicas.map(({ child }) => once(child, "exit"));
  await member.kill();
  rmSync(member.data, { recursive: true });
  cpSync(backup, member.data, { recursive: true });
  await member.start();
  await Promise.all(ended);
  await Promise.all(replicas.map((replica) => replica.start("--adoption-window=2s")));
}

test("etcd put back from an old backup: what one daemon hears counts for all, and no live address is handed out", async (t) => {
  const { member, replicas } = await cluster(t);
  const [one, two, three] = replicas as [Replica, Replica, Replica];
  const old = await allocateMany(one, "h1", 0, 10);
  await member.kill("SIGTERM");
  const backup = `${member.data}.old`;
  cpSync(member.data, backup, { recursive: true });
  await member.start();

  // What the backup knows nothing of.
  const alive: Record<Host, AddressReply[]> = {
    h1: [...old, ...(await allocateMany(one, "h1", 10, 30))],
    h2: await allocateMany(two, "h2", 0, 20),
    h3: await allocateMany(three, "h3", 0, 20),
  };
  const live = Object.values(alive).flat();
  assert.equal(new Set(live.map(({ ip }) => ip)).size, 70);
  const { cluster: id, revision } = await report(one, "h1", alive.h1);
  const seen = { cluster: id, revision };

  await putBack(member, backup, replicas);
  assert.deepEqual((await report(one, "h1", alive.h1, seen)).waiting_for.toSorted(), ["h2", "h3"]);
  await allSay(replicas, "waiting h2 h3");
  for (const replica of replicas) assert.equal((await allocate(replica, "new", "h1")).code, "STORE_FORGOT");
  await report(two, "h2", alive.h2, seen);
  await allSay(replicas, "waiting h3");
  await report(three, "h3", alive.h3, seen);
  await allSay(replicas, "ready");

  const known = (await two.ask<{ addresses: AddressReply[] }>("GET", "/addresses")).addresses;
  for (const { name, ips, sequence } of live) {
    const found = known.find((address) => address.name === name);
    assert.deepEqual([found?.ips, found?.sequence], [ips, sequence], name);
  }
  const taken = new Set(live.flatMap(({ ips }) => ips));
  for (const [i, host] of HOSTS.entries())
    for (const { ips } of await allocateMany(replicas[i] as Replica, host, 100, 120))
      for (const ip of ips) assert.ok(!taken.has(ip), ip);
});

test("a daemon that starts while others serve hands out at once, whatever its window", async (t) => {
  const { replicas } = await cluster(t);
  const [, , late] = replicas as [Replica, Replica, Replica];
  await kill(late.child, "SIGKILL");
  await late.start("--adoption-window=1h");
  const begin = performance.now();
  await eventually(async () => assert.equal((await allocate(late, "pod", "h1")).code, undefined), WITHIN);
  t.diagnostic(`${Math.round(performance.now() - begin)} ms after it was ready`);
});

/** An agent that has seen more than there is. */
const beyond = async ({ ask }: Replica): Promise<Seen> => {
  const { cluster: id, revision } = await ask<HostReportReply>("POST", "/hosts/h1/report", { endpoints: [] });
  return { cluster: id, revision: revision + 1_000_000 };
};

test("the leader is killed in the wait: the next one ends it, by what all have heard", async (t) => {
  const { replicas } = await cluster(t);
  const leads = await Promise.all(
    replicas.map(({ ask }) => ask<{ parts: Record<string, string> }>("GET", "/readyz")),
  );
  const at = leads.findIndex(({ parts }) => parts["leader"]?.startsWith("this daemon"));
  const leader = replicas[at];
  assert.ok(leader);
  const [one, two] = replicas.filter((each) => each !== leader) as [Replica, Replica];
  await report(leader, "h1", [], await beyond(leader));
  await allSay(replicas, "waiting h2 h3");
  await kill(leader.child, "SIGKILL");
  await report(one, "h2", []);
  await report(two, "h3", []);
  await allSay([one, two], "ready");
  await leader.start("--adoption-window=1h");
  await allSay(replicas, "ready");
});

test("the operator's word at one daemon ends the wait at all, and who comes late begins no other", async (t) => {
  const { replicas } = await cluster(t);
  const [one, two, three] = replicas as [Replica, Replica, Replica];
  const seen = await beyond(one);
  await report(one, "h1", [], seen);
  await allSay(replicas, "waiting h2 h3");
  await two.ask("POST", "/ipam/adopt", { force: true });
  assert.equal(await adoption(two), "ready");
  await allSay(replicas, "ready");
  assert.equal((await report(three, "h3", [], seen)).state, "ready");
});
