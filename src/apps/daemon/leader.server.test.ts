// The lead on a real etcd: the cases of every store, and daemons as processes that are stopped, killed and paused.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { after, before, test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openTestStore } from "../../../test/store/etcd.ts";
import { testLeader } from "../../../test/store/leader-cases.ts";
import { type Ask, daemonBed } from "../../../test/support/daemon-process.ts";
import { type EtcdCluster, startEtcd } from "../../../test/support/etcd.ts";
import { eventually } from "../../../test/support/eventually.ts";

let etcd: EtcdCluster;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd.dispose());

const pass = (seconds: number): Promise<void> => delay(Math.min(1000 * seconds, 1500));
testLeader("etcd", async () => ({ store: await openTestStore(etcd.urls), pass }));

type Replica = { readonly child: ChildProcess; readonly ask: Ask };

async function replica(t: TestContext): Promise<Replica> {
  const bed = await daemonBed(t);
  return { child: await bed.start("--store", `etcd:${etcd.urls.join()}`), ask: bed.ask };
}

async function leads({ ask }: Replica): Promise<boolean> {
  const { parts } = await ask<{ parts: Record<string, string> }>("GET", "/readyz");
  return parts["leader"]?.startsWith("this daemon") === true;
}

/** Milliseconds until it leads. */
async function untilItLeads(next: Replica): Promise<number> {
  const start = performance.now();
  await eventually(async () => assert.ok(await leads(next)), { within: 15_000 });
  return performance.now() - start;
}

/** Wide of what docs/design/daemon.md says, as tests share the machine. */
const losses: readonly (readonly [string, NodeJS.Signals, number])[] = [
  ["stopped with SIGTERM", "SIGTERM", 2500],
  ["killed", "SIGKILL", 9000],
  ["paused", "SIGSTOP", 9000],
];
for (const [how, signal, within] of losses)
  test(`a leader that is ${how} is followed by another within ${within} ms`, async (t) => {
    const first = await replica(t);
    await untilItLeads(first);
    const second = await replica(t);
    assert.equal(await leads(second), false);
    first.child.kill(signal);
    const took = await untilItLeads(second);
    t.diagnostic(`${Math.round(took)} ms`);
    assert.ok(took < within, `${took} ms`);
    if (signal !== "SIGSTOP") return;
    first.child.kill("SIGCONT");
    await eventually(async () => assert.equal(await leads(first), false));
    assert.equal(await leads(second), true);
  });
