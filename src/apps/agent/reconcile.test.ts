import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createFakeEndpoints, endpoint } from "../../../test/support/fake-endpoints.ts";
import { createFakeKernel, type FakeKernel, UPLINK } from "../../../test/support/fake-kernel.ts";
import { showTable } from "../../../test/support/kernel-table.ts";
import { blockLine, goneLine, hostLine, worldLines } from "../../../test/support/watch-lines.ts";
import type { WatchLine } from "../../core/api/types.ts";
import { createMirror, type Mirror } from "../../core/desired/mirror.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import { parseIp } from "../../core/net/ip.ts";
import type { Change, Route } from "../../core/netlink/types.ts";
import { isOurs, routeKey } from "../../core/desired/route-table.ts";
import type { Endpoints } from "./endpoints.ts";
import { createReconciler, type Reconciler } from "./reconcile.ts";

type Bench = { kernel: FakeKernel; mirror: Mirror; endpoints: Endpoints; reconciler: Reconciler };

const hosts = [
  hostLine("me", "192.168.0.1", "fd01::1"),
  hostLine("near", "192.168.0.2", "fd01::2"),
  hostLine("beside", "192.168.0.3", "fd01::3"),
];
const BLOCK = "10.0.0.8/29";
const world = [
  ...hosts,
  blockLine("10.0.0.0/29", "me"),
  blockLine(BLOCK, "near"),
  blockLine("fd00::8/125", "near"),
];
const whole = [
  "10.0.0.1/32 dev 70",
  "10.0.0.8/29 via 192.168.0.2 dev 2",
  "fd00::8/125 via fd01::2 dev 2",
  "unreachable 10.0.0.0/29",
];

function startBench(lines: readonly WatchLine[] = world): Bench {
  const kernel = createFakeKernel([70]);
  const mirror = createMirror();
  for (const line of worldLines(...lines)) mirror.apply(line);
  const endpoints = createFakeEndpoints({ 70: ["10.0.0.1"] });
  const options = { hostname: "me", table: 10, multihop: false };
  return { kernel, mirror, endpoints, reconciler: createReconciler(options, { kernel, mirror, endpoints }) };
}

/** What the agent's loops do: hear, sync, until nothing is left to do. */
async function settle({ kernel, reconciler }: Bench): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    const isNews = kernel.take().some((each) => reconciler.concerns(each));
    if (isNews) reconciler.forget();
    const { changes, refused } = await reconciler.sync();
    if (!isNews && changes.length + refused.length === 0) return;
  }
  assert.fail(`not settled after 20 turns: ${JSON.stringify(await reconciler.describePlan())}`);
}

async function settledBench(lines?: readonly WatchLine[]): Promise<Bench> {
  const bench = startBench(lines);
  await settle(bench);
  return bench;
}

const route = (dst: string, hop: string, protocol = 82): Route => ({
  ...{ dst: parseCidr(dst), table: 10, protocol, type: "unicast", scope: 0, source: undefined },
  metric: dst.includes(":") ? 1024 : 0,
  nextHops: [{ via: parseIp(hop), index: UPLINK, weight: 1, onlink: false }],
});
const ours = (dst: string, { kernel }: Bench): Route =>
  kernel.table.find((each) => isOurs(each) && routeKey(each) === routeKey(route(dst, "192.168.0.2"))) ??
  assert.fail(`no ${dst}`);

test("from nothing to whole, once; its echoes are no news, and nothing is read again", async () => {
  const bench = await settledBench();
  assert.deepEqual(showTable(bench.kernel.table), whole);
  assert.equal(bench.kernel.ruleList.length, 2);
  assert.deepEqual([...bench.kernel.neighbours], [`70 ${parseIp("10.0.0.1").value}`]);
  assert.equal(bench.kernel.looks, 1);
});

test("a change of the world costs no look at the kernel", async () => {
  const bench = await settledBench();
  bench.mirror.apply(blockLine("10.0.1.0/29", "beside"));
  await bench.endpoints.add(endpoint(70, ["10.0.0.2"]));
  await settle(bench);
  assert.ok(showTable(bench.kernel.table).includes("10.0.1.0/29 via 192.168.0.3 dev 2"));
  assert.ok(showTable(bench.kernel.table).includes("10.0.0.2/32 dev 70"));
  assert.equal(bench.kernel.looks, 1);
});

const damages: readonly (readonly [string, (bench: Bench) => void])[] = [
  ["a route deleted", (bench) => bench.kernel.outside({ kind: "route-delete", route: ours(BLOCK, bench) })],
  [
    "a route changed",
    ({ kernel }) => kernel.outside({ kind: "route-replace", route: route(BLOCK, "192.168.0.9") }),
  ],
  [
    "a route replaced by a foreign one",
    ({ kernel }) => kernel.outside({ kind: "route-replace", route: route(BLOCK, "192.168.0.9", 3) }),
  ],
  [
    "a route of ours too many",
    ({ kernel }) => kernel.outside({ kind: "route-add", route: route("10.9.0.0/29", "192.168.0.9") }),
  ],
  [
    "a rule deleted",
    ({ kernel }) =>
      kernel.outside(...kernel.ruleList.slice(1).map((rule): Change => ({ kind: "rule-delete", rule }))),
  ],
  ["the uplink down and up", ({ kernel }) => [false, true].forEach((up) => kernel.setLink(UPLINK, up))],
  ["a pod's pair down", ({ kernel }) => kernel.setLink(70, false)],
  ["a pod's pair down and up", ({ kernel }) => [false, true].forEach((up) => kernel.setLink(70, up))],
];
for (const [what, damage] of damages)
  test(`healed: ${what}`, async () => {
    const bench = await settledBench();
    damage(bench);
    await settle(bench);
    assert.deepEqual(showTable(bench.kernel.table), whole);
    assert.equal(bench.kernel.ruleList.length, 2);
    assert.equal(bench.kernel.neighbours.size, 1);
    assert.equal((await bench.kernel.link(70))?.up, true);
  });

test("what happens while the kernel is read is not lost", async () => {
  const bench = await settledBench();
  bench.reconciler.forget();
  bench.kernel.onRoutes(() => {
    bench.kernel.onRoutes(() => undefined);
    bench.kernel.outside({ kind: "route-delete", route: ours(BLOCK, bench) });
    for (const each of bench.kernel.take()) if (bench.reconciler.concerns(each)) bench.reconciler.forget();
  });
  await bench.reconciler.sync();
  await settle(bench);
  assert.deepEqual(showTable(bench.kernel.table), whole);
});

test("what the kernel refuses is tried again, and told with its command and reason", async () => {
  const bench = startBench();
  bench.kernel.refuse((change) =>
    "route" in change && change.route.dst.ip.family === 6 ? "EHOSTUNREACH" : undefined,
  );
  const { refused, routes } = await bench.reconciler.sync();
  assert.deepEqual(refused, [
    {
      change: "ip route add fd00::8/125 via fd01::2 dev eth0 table 10 proto 82 metric 1024",
      code: "EHOSTUNREACH",
      message: "EHOSTUNREACH",
    },
  ]);
  assert.equal(routes, 3);
  bench.kernel.refuse(() => undefined);
  await settle(bench);
  assert.deepEqual(showTable(bench.kernel.table), whole);
});

test("a foreign route that comes just before ours is not replaced", async () => {
  const bench = await settledBench();
  bench.kernel.outside({ kind: "route-add", route: route("10.0.1.0/29", "192.168.0.9", 4) });
  assert.deepEqual(
    bench.kernel.take().filter((each) => bench.reconciler.concerns(each)),
    [],
    "it is nobody's business yet",
  );
  bench.mirror.apply(blockLine("10.0.1.0/29", "near"));
  const first = await bench.reconciler.sync();
  assert.deepEqual(
    first.refused.map(({ code }) => code),
    ["EEXIST"],
  );
  const second = await bench.reconciler.sync();
  assert.deepEqual([second.changes, second.refused, second.blocked], [[], [], 1]);
  assert.ok(showTable(bench.kernel.table).includes("10.0.1.0/29 via 192.168.0.9 dev 2 proto 4"));
});

test("nothing is removed before the mirror is whole, but pods are routed", async () => {
  const bench = await settledBench();
  const mirror = createMirror();
  const fresh = { ...bench, mirror };
  fresh.reconciler = createReconciler({ hostname: "me", table: 10, multihop: false }, fresh);
  await bench.endpoints.add(endpoint(70, ["10.0.0.1", "10.0.0.3"]));
  await fresh.reconciler.sync();
  assert.deepEqual(showTable(bench.kernel.table), [...whole, "10.0.0.3/32 dev 70"].sort());
  for (const line of worldLines(...hosts)) mirror.apply(line);
  await settle(fresh);
  assert.deepEqual(showTable(bench.kernel.table), ["10.0.0.1/32 dev 70", "10.0.0.3/32 dev 70"]);
});

test("a kernel without IPv6 gets rules and routes of IPv4 alone", async () => {
  const bench = startBench(world.filter((line) => !("key" in line) || !line.key.startsWith("fd")));
  bench.kernel.files.delete("/proc/sys/net/ipv6/conf/all/forwarding");
  await settle(bench);
  assert.deepEqual(
    bench.kernel.ruleList.map(({ family }) => family),
    [4],
  );
  assert.deepEqual(
    showTable(bench.kernel.table),
    whole.filter((line) => !line.startsWith("fd")),
  );
});

test("a pod whose pair is gone is left; one whose pair came while the kernel was read is not", async () => {
  const bench = startBench();
  await bench.endpoints.add(endpoint(99, ["10.0.0.6"]));
  bench.kernel.onRoutes(() => void bench.endpoints.add(endpoint(70, ["10.0.0.1"])));
  await bench.reconciler.observation();
  assert.deepEqual(
    bench.endpoints.alive().map(({ hostIndex }) => hostIndex),
    [70],
  );
});

const FOREIGN = 4;
type Event = (bench: Bench) => void;
const dsts = fc.constantFrom(
  "10.0.0.0/29",
  BLOCK,
  "10.0.0.16/29",
  "10.0.0.0/28",
  "fd00::8/125",
  "fd00::/125",
);
const hops = (dst: string, last: number): string =>
  dst.includes(":") ? `fd01::${last}` : `192.168.0.${last}`;
const events: fc.Arbitrary<Event> = fc.oneof(
  fc.tuple(dsts, fc.constantFrom("me", "near", "beside", "")).map(
    ([dst, host]): Event =>
      ({ mirror }) =>
        void (dst.endsWith("8") || mirror.apply(host === "" ? goneLine("block", dst) : blockLine(dst, host))),
  ),
  dsts.map((dst): Event => ({ kernel }) => {
    const found = kernel.table.find((each) => routeKey(each) === routeKey(route(dst, hops(dst, 2))));
    if (found && isOurs(found)) kernel.outside({ kind: "route-delete", route: found });
  }),
  dsts.map(
    (dst): Event =>
      ({ kernel }) =>
        kernel.outside({ kind: "route-replace", route: route(dst, hops(dst, 9)) }),
  ),
  dsts.map(
    (dst): Event =>
      ({ kernel }) =>
        kernel.outside({ kind: "route-add", route: route(dst, hops(dst, 9), FOREIGN) }),
  ),
  fc.constantFrom(70, UPLINK).map(
    (index): Event =>
      ({ kernel }) =>
        [false, true].forEach((up) => kernel.setLink(index, up)),
  ),
  fc.constant<Event>(({ reconciler }) => reconciler.forget()),
);

test("law: whatever happens, in the end the table is what the world asks for, and what is foreign is there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(events, fc.boolean()), { maxLength: 12 }), async (happenings) => {
      const bench = startBench();
      for (const [happen, isSettled] of happenings) {
        happen(bench);
        if (isSettled) await settle(bench);
      }
      await settle(bench);
      const foreign = bench.kernel.table.filter(({ protocol }) => protocol === FOREIGN);
      // A reconciler without a memory finds nothing to do but where foreign routes stand.
      const fresh = createReconciler({ hostname: "me", table: 10, multihop: false }, bench);
      assert.deepEqual(await fresh.describePlan(), []);
      const before = showTable(foreign);
      await settle(bench);
      assert.deepEqual(showTable(bench.kernel.table.filter(({ protocol }) => protocol === FOREIGN)), before);
    }),
    { numRuns: 200 },
  );
});
