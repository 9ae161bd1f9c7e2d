// The agent's loops in time that a test lets pass.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { createFakeEndpoints } from "../../../test/support/fake-endpoints.ts";
import { createFakeKernel, UPLINK } from "../../../test/support/fake-kernel.ts";
import { showTable } from "../../../test/support/kernel-table.ts";
import { blockLine, hostLine, worldLines } from "../../../test/support/watch-lines.ts";
import { Seconds, seededRng } from "../../base/clock.ts";
import { createHealth } from "../../base/health.ts";
import { silentLog } from "../../base/log.ts";
import { createMirror } from "../../core/desired/mirror.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import type { Notification } from "../../core/netlink/types.ts";
import { listen, startHealer } from "./heal.ts";
import { createMetrics } from "./metrics.ts";
import { createReconciler } from "./reconcile.ts";
import { silence, startSyncLoop } from "./sync-loop.ts";

const world = worldLines(
  hostLine("me", "192.168.0.1"),
  hostLine("near", "192.168.0.2"),
  blockLine("10.0.0.0/29", "near"),
  {
    ...{ type: "put", kind: "topology", key: "topology", revision: 1 },
    value: {
      networks: [{ name: "pods", cidr: "10.0.0.0/16" }],
      topologies: [{ networks: ["pods"], map: [{ name: "all", groups: [] }] }],
    },
  },
);
const RESYNC = Seconds(60);
const whole = ["10.0.0.0/29 via 192.168.0.2 dev 2"];

/** Loops as the agent wires them, over a kernel in memory. */
function startLoops(t: TestContext, services: readonly string[] = []) {
  const clock = createFakeClock();
  const deps = { clock, rng: seededRng(1), metrics: createMetrics() };
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void warnings.push(text) };
  const kernel = createFakeKernel();
  const mirror = createMirror();
  const endpoints = createFakeEndpoints();
  const reconciler = createReconciler(
    { hostname: "me", table: 10, multihop: false },
    { kernel, mirror, endpoints },
  );
  const health = createHealth(clock);
  let poke = (): void => undefined;
  const healing = { ...deps, reconciler, endpoints, log, poke: () => poke() };
  const healer = startHealer(RESYNC, healing);
  const loop = startSyncLoop(
    {
      ...{ ...deps, reconciler, mirror, endpoints, log, health: health.reporter("routes", silence(RESYNC)) },
      services: services.map((text) => parseCidr(text)),
    },
    () => undefined,
  );
  poke = () => loop.poke();
  t.after(async () => {
    await Promise.all([healer.close(), loop.close()]);
  });
  /** Hears what the kernel told. */
  const hear = async (...more: Notification[]): Promise<void> => {
    async function* told() {
      yield [...kernel.take(), ...more];
    }
    await listen(told(), healing, healer);
  };
  const learn = async (): Promise<void> => {
    for (const line of world) mirror.apply(line);
    poke();
    await clock.advance(1);
  };
  return { clock, kernel, warnings, hear, learn, readiness: () => health.state().parts["routes"] };
}

test("before the daemon has told its world, the node waits for it; then it is ready", async (t) => {
  const { clock, kernel, learn, readiness } = startLoops(t);
  await clock.advance(1);
  assert.equal(readiness(), "waiting for the daemon");
  await learn();
  assert.equal(readiness(), "ok");
  assert.deepEqual(showTable(kernel.table), whole);
});

test("what is told is healed at once, but the kernel is not looked at more than ten times a second", async (t) => {
  const { clock, kernel, hear, learn } = startLoops(t);
  await learn();
  await clock.advance(100);
  const before = kernel.looks;
  for (let i = 0; i < 50; i++) {
    const [route] = kernel.table;
    if (route) kernel.outside({ kind: "route-delete", route });
    await hear();
    await clock.advance(20);
  }
  await clock.advance(100);
  assert.deepEqual(showTable(kernel.table), whole);
  assert.ok(
    kernel.looks - before > 8 && kernel.looks - before <= 12,
    `${kernel.looks - before} looks in a second`,
  );
});

test("what nobody told is found within a minute or so, and not at the same moment each time", async (t) => {
  const { clock, kernel, learn } = startLoops(t);
  await learn();
  const found: number[] = [];
  for (let i = 0; i < 4; i++) {
    const [route] = kernel.table;
    if (route) kernel.outside({ kind: "route-delete", route });
    kernel.take(); // lost
    const start = clock.monotonic();
    while (kernel.table.length === 0) await clock.advance(100);
    found.push(clock.monotonic() - start);
  }
  assert.ok(
    found.every((time) => time >= 53_000 && time <= 67_000),
    String(found),
  );
  assert.ok(new Set(found).size > 1);
});

test("lost notifications are said and make it look", async (t) => {
  const { clock, kernel, warnings, hear, learn } = startLoops(t);
  await learn();
  await clock.advance(100);
  const before = kernel.looks;
  await hear({ kind: "overrun" });
  await clock.advance(1);
  assert.equal(kernel.looks, before + 1);
  assert.match(String(warnings), /notifications were lost/);
});

test("what the kernel refuses keeps the node from being ready, is tried again, and is not said each time", async (t) => {
  const { clock, kernel, warnings, learn, readiness } = startLoops(t);
  kernel.refuse((change) => ("route" in change ? "ENETUNREACH" : undefined));
  await learn();
  await clock.advance(5000);
  assert.match(
    readiness() ?? "",
    /CHANGES_REFUSED count=1 change="ip route add 10\.0\.0\.0\/29 .*reason="ENETUNREACH"/,
  );
  assert.equal(warnings.filter((text) => text.startsWith("sync failed")).length, 1);
  kernel.refuse(() => undefined);
  await clock.advance(2000);
  assert.equal(readiness(), "ok");
  assert.deepEqual(showTable(kernel.table), whole);
});

test("a foreign route in the way is said once", async (t) => {
  const { clock, kernel, warnings, learn } = startLoops(t);
  const nextHops = [{ via: undefined, index: UPLINK, weight: 1, onlink: false }];
  kernel.outside({
    kind: "route-add",
    route: {
      ...{ dst: parseCidr("10.0.0.0/29"), table: 10, protocol: 4, type: "unicast", scope: 253, metric: 0 },
      ...{ nextHops, source: undefined },
    },
  });
  await learn();
  await clock.advance(200_000);
  assert.equal(warnings.filter((text) => text.includes("stand in the way")).length, 1);
});

const ranges: readonly (readonly [string, string, string])[] = [
  ["apart from", "10.96.0.0/12", "ok"],
  ["inside", "10.0.128.0/20", "network pods (10.0.0.0/16) overlaps the service range 10.0.128.0/20"],
];
for (const [where, range, expected] of ranges)
  test(`a service range ${where} the pod networks: ready is told as ${expected.split(" ")[0]}`, async (t) => {
    const { learn, readiness } = startLoops(t, [range]);
    await learn();
    assert.equal(readiness(), expected);
  });

test("a loop that hangs is told by its silence", async (t) => {
  const { clock, kernel, learn, readiness } = startLoops(t);
  await learn();
  await clock.advance(200_000);
  assert.equal(readiness(), "ok");
  const answer = kernel.hang();
  await clock.advance(300_000);
  assert.match(readiness() ?? "", /^silent for \d+ s$/);
  answer();
});
