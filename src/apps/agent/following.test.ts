// Which replica an agent follows. Time is the test's, but for the silence of connections, which are real.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { createFakeEndpoints } from "../../../test/support/fake-endpoints.ts";
import { type FakeWatch, startFakeWatch } from "../../../test/support/fake-watch.ts";
import { blockLine, worldLines } from "../../../test/support/watch-lines.ts";
import { Seconds, seededRng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import { silentLog } from "../../base/log.ts";
import type { WatchLine } from "../../core/api/types.ts";
import { createMirror } from "../../core/desired/mirror.ts";
import { createDaemonClient } from "../../io/daemon/daemon-client.ts";
import { homeOf } from "../../io/daemon/follow-daemon.ts";
import { startFollowing } from "./following.ts";
import { createScopedWatch } from "./scoped-watch.ts";
import { createMetrics } from "./metrics.ts";

const bookmark = (revision: number, behind?: true): WatchLine => ({
  ...{ type: "bookmark", revision },
  ...(behind && { behind }),
});

/** An agent between two replicas; `own` is the one that it begins with. */
async function start(t: TestContext) {
  const replicas = [await startFakeWatch(), await startFakeWatch()];
  const stateDir = mkdtempSync(join(tmpdir(), "romana-following-"));
  const clock = createFakeClock();
  const client = createDaemonClient(replicas.map(({ url }) => new URL(url)));
  const mirror = createMirror();
  const health = createHealth(clock);
  const following = startFollowing({
    ...{ client, clock, mirror, stateDir, rng: seededRng(1), log: silentLog, hostname: "node-1" },
    ...{ endpoints: createFakeEndpoints(), metrics: createMetrics(), health: health.reporter("daemon") },
    registration: () => undefined,
    reportInterval: Seconds(60),
    watch: createScopedWatch({ mirror, scope: () => undefined, policy: undefined }),
    changed: () => undefined,
    policyChanged: () => undefined,
  });
  t.after(async () => {
    await following.close();
    client.close();
    await Promise.all(replicas.map((replica) => replica.stop()));
    rmSync(stateDir, { recursive: true });
  });
  const home = homeOf("node-1", 2);
  const [own, other] = [replicas[home], replicas[1 - home]] as [FakeWatch, FakeWatch];
  await follows(own, clock);
  return { own, other, clock, mirror, readiness: () => health.state().parts["daemon"] };
}

/** Until a stream is open at `replica`, and no other. */
const follows = (replica: FakeWatch, clock: ReturnType<typeof createFakeClock>): Promise<void> =>
  eventually(async () => {
    await clock.advance(100);
    assert.equal(replica.watchers, 1);
  });

test("an agent begins with the replica that is its own by its name, and is ready", async (t) => {
  const { own, other, readiness } = await start(t);
  await eventually(() => assert.equal(readiness(), "ok"));
  assert.deepEqual([own.watchers, other.watchers, own.reports.length], [1, 0, 1]);
});

test("a replica that ends its stream is left for the other, which is told what was seen; the node stays ready", async (t) => {
  const { own, other, clock, mirror, readiness } = await start(t);
  await eventually(() => assert.equal(readiness(), "ok"));
  await clock.advance(6000);
  other.begin({ type: "resume", cluster: "c" }, { type: "synced", revision: 2 });
  own.cut();
  await follows(other, clock);
  await eventually(() => assert.equal(mirror.seen?.revision, 2));
  assert.deepEqual(other.reports[0]?.seen, { cluster: "c", revision: 1, policies: true });
  assert.equal(readiness(), "ok");
});

test("a replica that falls silent is left within 2 s, and what was known stays", async (t) => {
  const { own, other, clock, mirror } = await start(t);
  own.tell(...worldLines(blockLine("10.0.0.0/29", "h")));
  await eventually(() => assert.equal(mirror.snapshot.blocks.size, 1));
  await clock.advance(6000);
  own.pause();
  other.begin({ type: "resume", cluster: "c" }, { type: "synced", revision: 2 });
  const since = performance.now();
  await follows(other, clock);
  assert.ok(performance.now() - since < 2000);
  assert.equal(mirror.snapshot.blocks.size, 1);
});

test("a replica that is behind its store is left for one that is ready, and only for such a one", async (t) => {
  const { own, other, clock } = await start(t);
  other.ready = false;
  own.tell(bookmark(1, true));
  for (let i = 0; i < 5; i++) {
    await clock.advance(2500);
    own.tell(bookmark(1, true));
    assert.deepEqual([own.watchers, other.watchers], [1, 0], "a late one is better than none");
  }
  other.ready = true;
  await follows(other, clock);
});

test("an agent comes back to its own replica within a minute or so, when that is ready", async (t) => {
  const { own, other, clock } = await start(t);
  await clock.advance(6000);
  own.cut();
  own.ready = false;
  await follows(other, clock);
  const beat = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      other.tell(bookmark(1));
      await clock.advance(1000);
    }
  };
  await beat(70);
  assert.deepEqual([own.watchers, other.watchers], [0, 1]);
  own.ready = true;
  await beat(65);
  await follows(own, clock);
});

test("hosts are spread evenly over the replicas, each always to the same one", () => {
  const counts = [0, 0, 0];
  for (let i = 0; i < 3000; i++) {
    const home = homeOf(`node-${i}`, 3);
    assert.equal(home, homeOf(`node-${i}`, 3));
    counts[home] = (counts[home] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(count > 900 && count < 1100, String(count));
});
