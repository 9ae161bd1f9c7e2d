// What the agent leaves alone: what is not its own, and everything while it does not know better.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, beforeEach, test } from "node:test";
import {
  type Node,
  type NodeState,
  makeNode,
  onNode,
  startOnNode,
  stateOf,
  untilState,
} from "../../../test/support/agent-node.ts";
import { Bed } from "../../../test/support/bed.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { type FakeWatch, startFakeWatch } from "../../../test/support/fake-watch.ts";
import { blockLine, goneLine, hostLine, worldLines } from "../../../test/support/watch-lines.ts";
import type { WatchLine } from "../../core/api/types.ts";
import type { Agent } from "./wire.ts";

const bed = new Bed("source");
let node: Node;
let daemon: FakeWatch;
let agent: Agent | undefined;

const hosts = [
  hostLine("node-1", "192.168.0.1", "fd01::1"),
  hostLine("node-2", "192.168.0.2", "fd01::2"),
  hostLine("node-3", "192.168.0.3", "fd01::3"),
];
const world = worldLines(...hosts, blockLine("10.1.0.0/29", "node-2"), blockLine("fd10::/125", "node-2"));
const other = worldLines(...hosts, blockLine("10.2.0.0/29", "node-3"));
const R4 = "10.1.0.0/29 via 192.168.0.2 dev eth0 proto 82";
const R6 = "fd10::/125 via fd01::2 dev eth0 proto 82 metric 1024 pref medium";
const routesOf = (state: NodeState): NodeState => state.filter((line) => !/^\d+: |^net\./.test(line));
const untilRoutes = (...expected: string[]): Promise<NodeState> =>
  untilState(node, (state) => assert.deepEqual(routesOf(state), expected));
const run = (command: string): string => onNode(node, ...command.split(" "));
const start = async (...argv: string[]): Promise<void> =>
  void (agent = await startOnNode(node, daemon.url, { argv }));
async function stopAgent(): Promise<void> {
  await agent?.close();
  agent = undefined;
}
/** The kernel keeps still while `happening` is under way and for a while after it: what should not come does not come late either. */
async function nothingChanges(happening: () => void | Promise<void>): Promise<void> {
  const before = stateOf(node);
  await happening();
  for (let looks = 0; looks < 10; looks++) assert.deepEqual(stateOf(node), before);
}

before(async () => {
  daemon = await startFakeWatch();
  node = makeNode(bed, "node");
});
beforeEach(async () => {
  await stopAgent();
  daemon.begin(...world);
  daemon.answer({ cluster: "c", revision: 1, state: "ready", waiting_for: [] });
  await daemon.start();
  await start();
  await untilRoutes(R4, R6);
});
after(async () => {
  await stopAgent();
  await daemon.stop();
  await bed.dispose();
});

test("foreign routes and rules of our table outlive a change, a heal and a restart", async () => {
  const theirs = [
    "10.1.0.0/29 via 192.168.0.77 dev eth0 proto static metric 5",
    "10.55.0.0/16 via 192.168.0.77 dev eth0",
    "fd55::/64 via fd01::77 dev eth0 proto static metric 1024 pref medium",
    "blackhole 10.56.0.0/16",
  ];
  for (const route of theirs) run(`ip route add ${route.replace(" pref medium", "")} table 10`);
  run("ip rule add priority 5 from 10.0.0.0/8 lookup 10");
  run("ip rule add priority 6 lookup 20");
  const expected = (...ours: string[]): string[] =>
    [...theirs, ...ours].sort(
      (a, b) => Number(a.includes("fd")) - Number(b.includes("fd")) || (a < b ? -1 : 1),
    );
  run("ip -6 route del fd10::/125 table 10");
  await untilRoutes(...expected(R4, R6));
  daemon.tell(goneLine("block", "10.1.0.0/29"), { type: "bookmark", revision: 2 });
  await untilRoutes(...expected(R6));
  await stopAgent();
  await start();
  await untilRoutes(...expected(R4, R6));
  assert.match(run("ip rule"), /5:\s+from 10\.0\.0\.0\/8 lookup 10\n6:\s+from all lookup 20/);
  for (const route of theirs) run(`ip route del ${route.replace(" pref medium", "")} table 10`);
  for (const priority of [5, 6]) run(`ip rule del priority ${priority}`);
});

test("a foreign route that was there first keeps its place, and ours comes when it goes", async () => {
  await stopAgent();
  run("ip route replace 10.1.0.0/29 via 192.168.0.77 dev eth0 table 10 proto static");
  await start();
  const theirs = "10.1.0.0/29 via 192.168.0.77 dev eth0 proto static";
  await eventually(() => assert.equal(daemon.watchers, 1));
  run("ip route del fd10::/125 table 10");
  await untilRoutes(theirs, R6);
  run("ip route del 10.1.0.0/29 table 10");
  await untilRoutes(R4, R6);
});

test("a rule that somebody else made to our table does as well as ours", async () => {
  await stopAgent();
  run("ip rule del priority 10");
  run("ip rule add priority 10 lookup 10");
  await start();
  await untilRoutes(R4, R6);
  assert.equal(run("ip rule").match(/^10:.*/gm)?.length, 1);
  run("ip rule del priority 10");
  await eventually(() => assert.match(run("ip rule"), /^10:\s+from all lookup 10 proto 82/m));
});

test("a daemon that is gone changes nothing, and neither does one that was never there", async () => {
  await nothingChanges(() => daemon.stop());
  await stopAgent();
  await nothingChanges(() => start());
  await daemon.start();
  daemon.begin(...other);
  await untilRoutes("10.2.0.0/29 via 192.168.0.3 dev eth0 proto 82");
});

test("an agent that stops leaves everything", async () => {
  await nothingChanges(stopAgent);
});

test("nothing is removed before the whole world was told", async () => {
  await stopAgent();
  const half: WatchLine[] = [{ type: "reset", cluster: "c" }, ...hosts];
  daemon.begin(...half);
  await nothingChanges(async () => {
    await start();
    await eventually(() => assert.equal(daemon.watchers, 1));
  });
  await nothingChanges(() => daemon.cut());
  daemon.begin(...other);
  daemon.cut();
  await untilRoutes("10.2.0.0/29 via 192.168.0.3 dev eth0 proto 82");
});

test("garbage in the stream changes nothing, and the next whole world is taken", async () => {
  await nothingChanges(() => {
    daemon.begin(...world.slice(0, -1), blockLine("10.3.0.1/29", "node-2"), { type: "synced", revision: 9 });
    daemon.cut();
  });
  daemon.begin(...other);
  await untilRoutes("10.2.0.0/29 via 192.168.0.3 dev eth0 proto 82");
});

const losses: readonly (readonly [string, Parameters<FakeWatch["answer"]>[0]])[] = [
  ["another store", { cluster: "new", revision: 40 }],
  ["an older one", { cluster: "c", revision: 0 }],
];
for (const [what, reply] of losses)
  test(`a daemon with ${what} that waits to be told what lives is told, and not believed until then`, async () => {
    await nothingChanges(async () => {
      daemon.reports.length = 0;
      daemon.answer({ ...reply, state: "waiting", waiting_for: ["node-9"] });
      daemon.begin(...worldLines());
      daemon.cut();
      await eventually(() => assert.ok(daemon.reports.length > 1));
      assert.deepEqual(daemon.reports[0]?.seen, { cluster: "c", revision: 1, policies: true });
      await stopAgent();
      await start();
      await eventually(() => assert.ok(daemon.reports.length > 2));
      assert.equal(daemon.watchers, 0);
    });
    daemon.answer({ ...reply, state: "ready", waiting_for: [] });
    daemon.begin(...other);
    await untilRoutes("10.2.0.0/29 via 192.168.0.3 dev eth0 proto 82");
  });

test("a daemon that waits for others, with the store that this node follows, is followed meanwhile", async () => {
  daemon.answer({ state: "waiting", revision: 5, waiting_for: ["node-9"] });
  daemon.begin(...other);
  daemon.cut();
  await untilRoutes("10.2.0.0/29 via 192.168.0.3 dev eth0 proto 82");
});

test("an agent whose helper dies ends with the reason, and leaves everything", async () => {
  await nothingChanges(async () => {
    const helper = execFileSync("pgrep", ["-P", String(process.pid), "romana-native"], { encoding: "utf8" });
    process.kill(Number(helper), "SIGKILL");
    await assert.rejects(agent?.failed ?? Promise.resolve(), /NATIVE_DIED/);
    await stopAgent();
  });
});
