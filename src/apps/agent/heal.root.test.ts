// The agent on a node of its own, against the real kernel: what it writes, and what it mends when others change it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import {
  type Node,
  type NodeState,
  makeNode,
  onNode,
  startOnNode,
  untilState,
} from "../../../test/support/agent-node.ts";
import { Bed } from "../../../test/support/bed.ts";
import { type FakeWatch, startFakeWatch } from "../../../test/support/fake-watch.ts";
import { blockLine, hostLine, worldLines } from "../../../test/support/watch-lines.ts";
import { silentLog } from "../../base/log.ts";
import type { Agent } from "./wire.ts";

const log: string[] = [];
const bed = new Bed("source");
let node: Node;
let daemon: FakeWatch;
let agent: Agent;
let whole: NodeState;

const world = worldLines(
  hostLine("node-1", "192.168.0.1", "fd01::1"),
  hostLine("node-2", "192.168.0.2", "fd01::2"),
  hostLine("node-3", "192.168.0.3", "fd01::3"),
  hostLine("node-9", "172.16.0.9", "fd09::9"),
  blockLine("10.1.0.0/29", "node-1"),
  blockLine("10.1.0.8/29", "node-2"),
  blockLine("10.1.0.16/29", "node-2"),
  blockLine("10.1.0.24/29", "node-2"),
  blockLine("10.2.0.0/29", "node-3"),
  blockLine("10.9.0.0/29", "node-9"),
  blockLine("fd10::/125", "node-1"),
  blockLine("fd10::8/125", "node-3"),
);

before(async () => {
  daemon = await startFakeWatch();
  daemon.begin(...world);
  node = makeNode(bed, "node");
  agent = await startOnNode(node, daemon.url, { log: { ...silentLog, warn: (text) => void log.push(text) } });
});
after(async () => {
  await agent.close();
  await daemon.stop();
  await bed.dispose();
});

test("the blocks of on-link hosts are routed, as few routes as forward the same, and local ones refused", async () => {
  whole = await untilState(node, (state) =>
    assert.deepEqual(state, [
      "10.1.0.0/27 via 192.168.0.2 dev eth0 proto 82",
      "10.2.0.0/29 via 192.168.0.3 dev eth0 proto 82",
      "unreachable 10.1.0.0/29 proto 82",
      "fd10::8/125 via fd01::3 dev eth0 proto 82 metric 1024 pref medium",
      "unreachable fd10::/125 dev lo proto 82 metric 1024 pref medium",
      "10: from all lookup 10 proto 82",
      "10: from all lookup 10 proto 82",
      "net.ipv4.ip_forward = 1",
      "net.ipv6.conf.all.forwarding = 1",
    ]),
  );
});

const damages: readonly (readonly [string, readonly string[]])[] = [
  ["an IPv4 route deleted", ["ip route del 10.1.0.0/27 table 10"]],
  ["an IPv6 route deleted", ["ip -6 route del fd10::8/125 table 10"]],
  ["an unreachable route deleted", ["ip route del unreachable 10.1.0.0/29 table 10"]],
  ["the table flushed", ["ip route flush table 10", "ip -6 route flush table 10"]],
  ["an IPv4 route changed", ["ip route change 10.1.0.0/27 via 192.168.0.77 dev eth0 table 10 proto 82"]],
  [
    "an IPv4 route replaced by one of no name",
    ["ip route replace 10.1.0.0/27 via 192.168.0.77 dev eth0 table 10"],
  ],
  [
    "an IPv6 route replaced by one of no name",
    ["ip -6 route replace fd10::8/125 via fd01::77 dev eth0 table 10"],
  ],
  ["a route replaced by a discarding one", ["ip route replace blackhole 10.2.0.0/29 table 10"]],
  [
    "an IPv4 route given an MTU",
    ["ip route change 10.2.0.0/29 via 192.168.0.3 dev eth0 table 10 proto 82 mtu 600"],
  ],
  [
    "an IPv6 route given an MTU",
    ["ip -6 route change fd10::8/125 via fd01::3 dev eth0 table 10 proto 82 mtu 1300"],
  ],
  ["a route of ours too many", ["ip route add 10.3.0.0/24 via 192.168.0.2 dev eth0 table 10 proto 82"]],
  ["the IPv4 rule deleted", ["ip rule del priority 10"]],
  ["the IPv6 rule deleted", ["ip -6 rule del priority 10"]],
  ["IPv4 forwarding switched off", ["sysctl -qw net.ipv4.ip_forward=0"]],
  ["IPv6 forwarding switched off", ["sysctl -qw net.ipv6.conf.all.forwarding=0"]],
  ["the link down and up", ["ip link set eth0 down", "ip link set eth0 up"]],
  [
    "the IPv4 address gone and back",
    ["ip addr del 192.168.0.1/24 dev eth0", "ip addr add 192.168.0.1/24 dev eth0"],
  ],
  [
    "the IPv6 address gone and back",
    ["ip addr del fd01::1/64 dev eth0", "ip addr add fd01::1/64 dev eth0 nodad"],
  ],
];
for (const [what, commands] of damages)
  test(`healed within a second: ${what}`, async () => {
    for (const command of commands) onNode(node, ...command.split(" "));
    await untilState(node, (state) => assert.deepEqual(state, whole), 1000);
  });

/** Runs `ip` once for all commands. */
const batch = (commands: readonly string[]): void =>
  void execFileSync("ip", ["-n", node.ns, "-batch", "-"], { input: commands.join("\n") });

test("healed: what happened while notifications were lost", async () => {
  // More than the socket's 64 MiB hold while nobody reads it (2.3 kB for each change of a link); what comes after is dropped.
  const burst = Array.from({ length: 40_000 }, (_, i) => `link set lo alias ${i % 2}`);
  const helper = Number(
    execFileSync("pgrep", ["-P", String(process.pid), "romana-native"], { encoding: "utf8" }),
  );
  process.kill(helper, "SIGSTOP");
  try {
    batch([...burst, "route del 10.1.0.0/27 table 10"]);
  } finally {
    process.kill(helper, "SIGCONT");
  }
  await untilState(node, (state) => assert.deepEqual(state, whole));
  assert.ok(log.some((line) => line.startsWith("notifications were lost")));
});
