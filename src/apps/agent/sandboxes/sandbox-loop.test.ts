// Strays are released as a DEL would do it; a runtime or daemon that does not answer is asked again.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import { createFakeEndpoints, endpoint } from "../../../../test/support/fake-endpoints.ts";
import { Seconds } from "../../../base/clock.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { createKeyedLock } from "../../../base/lock.ts";
import { silentLog } from "../../../base/log.ts";
import type { CniDeps } from "../cni/attached.ts";
import { createMetrics } from "../metrics.ts";
import { startSandboxLoop } from "./sandbox-loop.ts";

const GRACE = Seconds(300);

function setUp(t: TestContext) {
  const clock = createFakeClock();
  const endpoints = createFakeEndpoints();
  for (const index of [1, 2])
    void endpoints.add({ ...endpoint(index, []), containerId: `c${index}`, pod: `shop/web-${index}` });
  const world = { sandboxes: new Set(["c2"]), runtime: true, daemon: true, warnings: 0 };
  const released: string[] = [];
  const metrics = createMetrics();
  const turns = createKeyedLock();
  const cni = {
    endpoints,
    links: { remove: async () => undefined },
    daemon: {
      release: async (name: string, holder: object) => {
        if (!world.daemon) throw new UnavailableError({ code: "DAEMON_UNREACHABLE" });
        released.push(`${name} ${JSON.stringify(holder)}`);
      },
    },
  } as unknown as CniDeps;
  const log = { ...silentLog, warn: () => void world.warnings++ };
  const sandboxes = async (): Promise<ReadonlySet<string>> => {
    if (!world.runtime) throw new UnavailableError({ code: "GRPC" });
    return world.sandboxes;
  };
  const loop = startSandboxLoop(GRACE, { ...{ sandboxes, cni, turns, metrics, log, clock }, rng: () => 0.5 });
  t.after(() => loop.close());
  const pass = async (seconds: number): Promise<void> => {
    for (let at = 0; at < seconds; at += 30) await clock.advance(Seconds(30));
  };
  return { clock, world, endpoints, released, metrics, turns, pass };
}

test("what is left of a forgotten sandbox is released by the sequence of its allocation, the rest stays, whatever the wall clock does", async (t) => {
  const { clock, endpoints, released, metrics, pass } = setUp(t);
  await pass(270);
  clock.jump(3_600_000);
  assert.equal(released.length, 0);
  await pass(90);
  assert.deepEqual(
    released.map((text) => text.split(" ")[0]),
    ["pod-1"],
  );
  assert.match(released[0] ?? "", /"sequence":1/);
  assert.deepEqual(
    endpoints.list().map(({ name }) => name),
    ["pod-2"],
  );
  assert.equal((await metrics.strays.get()).values[0]?.value, 1);
});

test("a runtime that does not answer is told of once, and asked again", async (t) => {
  const { world, released, pass } = setUp(t);
  world.runtime = false;
  await pass(900);
  assert.deepEqual([released.length, world.warnings], [0, 1]);
  world.runtime = true;
  await pass(420);
  assert.equal(released.length, 1);
});

test("a daemon that does not answer keeps the record for the next look", async (t) => {
  const { world, endpoints, released, pass } = setUp(t);
  world.daemon = false;
  await pass(420);
  assert.deepEqual([released.length, endpoints.list().length], [0, 2]);
  world.daemon = true;
  await pass(120);
  assert.deepEqual([released.length, endpoints.list().length], [1, 1]);
});

test("a DEL that comes meanwhile does it alone", async (t) => {
  const { endpoints, released, turns, pass } = setUp(t);
  let finish = (): void => undefined;
  const working = new Promise<void>((resolve) => (finish = resolve));
  const command = turns.run("pod-1", async () => {
    await working;
    await endpoints.remove("pod-1");
  });
  await pass(360);
  finish();
  await command;
  await pass(60);
  assert.deepEqual([released.length, endpoints.list().length], [0, 1]);
});
