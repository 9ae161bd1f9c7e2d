import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import {
  type FakeAnswers,
  type FakeEtcd,
  headerOf,
  startFakeEtcd,
  watchResponse,
} from "../../../test/support/fake-etcd.ts";
import { systemClock, systemRng } from "../../base/clock.ts";
import { UnavailableError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { createChangeLog, HISTORY_REVISIONS } from "./change-log.ts";
import { EtcdClient } from "./etcd-client.ts";
import { EtcdFeed } from "./etcd-feed.ts";
import type { Event } from "./etcd-messages.ts";

async function feedOn(t: TestContext, answers: FakeAnswers): Promise<{ feed: EtcdFeed; fake: FakeEtcd }> {
  const fake = await startFakeEtcd(answers);
  const deps = { clock: systemClock, rng: systemRng, log: silentLog };
  const client = new EtcdClient({ endpoints: [fake.url] }, deps);
  const feed = new EtcdFeed(0, { client, changes: createChangeLog({ revision: 0, compacted: 0 }), ...deps });
  t.after(async () => {
    client.fail(new UnavailableError({ code: "STORE_CLOSED" }));
    await feed.ended();
    client.disconnect();
    fake.close();
  });
  return { feed, fake };
}

const putAt = (revision: number): Event => {
  const key = Buffer.from("k");
  return { type: 0, kv: { key, value: key, create_revision: revision, mod_revision: revision, lease: 0 } };
};
const eventsUpTo = (from: number, to: number): Event[] =>
  Array.from({ length: to - from }, (_, i) => putAt(from + i + 1));

test("a feed has etcd forget what is far behind, each time as much again has come", async (t) => {
  const compacted: number[] = [];
  const { feed } = await feedOn(t, {
    compact({ revision }) {
      compacted.push(Number(revision));
      return { header: headerOf(revision) };
    },
    watch(stream) {
      stream.once("data", () => {
        stream.write(watchResponse({ created: true }));
        for (let i = 0; i < 50; i++)
          stream.write(watchResponse({ events: eventsUpTo(i * 1000, (i + 1) * 1000) }));
      });
    },
  });
  await feed.start();
  await feed.reached(50_000, t.signal);
  const step = HISTORY_REVISIONS;
  await eventually(() =>
    assert.deepEqual(
      compacted.toSorted((a, b) => a - b),
      [step, 2 * step, 3 * step, 4 * step],
    ),
  );
});

test("a feed that is refused says so, to who starts it and to who follows, until it is served", async (t) => {
  let isDenied = true;
  const { feed } = await feedOn(t, {
    watch(stream) {
      stream.once("data", () => {
        const cancel_reason = "etcdserver: permission denied";
        stream.write(watchResponse(isDenied ? { canceled: true, cancel_reason } : { created: true }));
      });
    },
  });
  await assert.rejects(feed.start(), { code: "STORE_DENIED" });
  assert.ok(feed.outage.aborted);
  isDenied = false;
  await eventually(() => assert.ok(!feed.outage.aborted));
});
