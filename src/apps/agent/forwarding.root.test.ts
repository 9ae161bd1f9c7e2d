// The node forwards, and goes on learning its default route from router advertisements where it did. And it is known by the addresses it has.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Node, makeNode, onNode, startOnNode, untilState } from "../../../test/support/agent-node.ts";
import { Bed } from "../../../test/support/bed.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { type FakeWatch, startFakeWatch } from "../../../test/support/fake-watch.ts";
import { blockLine, hostLine, worldLines } from "../../../test/support/watch-lines.ts";

const bed = new Bed("source");
let daemon: FakeWatch;

before(async () => {
  daemon = await startFakeWatch();
});
after(async () => {
  await daemon.stop();
  await bed.dispose();
});

const setting = (node: Node, name: string): string =>
  onNode(node, "sysctl", "-n", name.replaceAll(".", "/")).trim();
const set = (node: Node, name: string, value: number): void =>
  void onNode(node, "sysctl", "-qw", `${name.replaceAll(".", "/")}=${value}`);
const addPair = (node: Node, name: string): void =>
  void onNode(node, "ip", "link", "add", name, "type", "veth", "peer", "name", `${name}-peer`);
const forwarding = (node: Node): string[] => [
  setting(node, "net.ipv4.ip_forward"),
  setting(node, "net.ipv6.conf.all.forwarding"),
];

async function withAgent(node: Node, body: () => Promise<void>): Promise<void> {
  const agent = await startOnNode(node, daemon.url);
  try {
    await eventually(() => assert.deepEqual(forwarding(node), ["1", "1"]));
    await body();
  } finally {
    await agent.close();
  }
}

test("forwarding comes on; advertisements stay accepted where they were, and only there", async () => {
  const node = makeNode(bed, "fresh");
  for (const name of ["eth1", "eth2", "rom0"]) addPair(node, name);
  set(node, "net.ipv6.conf.eth1.accept_ra", 0);
  set(node, "net.ipv6.conf.eth2.forwarding", 1);
  assert.deepEqual(forwarding(node), ["0", "0"]);
  await withAgent(node, async () => {
    const accepted = ["eth0", "eth1", "eth2", "rom0", "default"].map((name) =>
      setting(node, `net.ipv6.conf.${name}.accept_ra`),
    );
    assert.deepEqual(accepted, ["2", "0", "1", "1", "1"]);
  });
});

test("a node that forwards already is left as it is", async () => {
  const node = makeNode(bed, "router");
  set(node, "net.ipv6.conf.all.forwarding", 1);
  await withAgent(node, async () => assert.equal(setting(node, "net.ipv6.conf.eth0.accept_ra"), "1"));
});

test("a node whose address changes while the agent runs is registered anew", async () => {
  const node = makeNode(bed, "mobile");
  daemon.registered.length = 0;
  await withAgent(node, async () => {
    const newest = () => daemon.registered.at(-1)?.ips;
    await eventually(() => assert.deepEqual(newest(), ["192.168.0.1", "fd01::1"]));
    onNode(node, "ip", "addr", "del", "192.168.0.1/24", "dev", "eth0");
    onNode(node, "ip", "addr", "add", "192.168.0.5/24", "dev", "eth0");
    await eventually(() => {
      daemon.tell({ type: "bookmark", revision: 1 });
      assert.deepEqual(newest(), ["192.168.0.5", "fd01::1"]);
    });
  });
});

test("--multihop-blocks: blocks of hosts beyond go through the default gateway, and another one when it changes", async () => {
  const node = makeNode(bed, "multihop");
  daemon.begin(
    ...worldLines(
      hostLine("node-1", "192.168.0.1", "fd01::1"),
      hostLine("far", "172.16.0.9", "fd09::9"),
      blockLine("10.9.0.0/29", "far"),
      blockLine("fd19::/125", "far"),
    ),
  );
  const agent = await startOnNode(node, daemon.url, { argv: ["--multihop-blocks"] });
  const untilVia = (via: string): Promise<unknown> =>
    untilState(node, (state) =>
      assert.deepEqual(state.slice(0, 2), [
        `10.9.0.0/29 via ${via} dev eth0 proto 82`,
        "fd19::/125 via fd01::fe dev eth0 proto 82 metric 1024 pref medium",
      ]),
    );
  await untilVia("192.168.0.254");
  onNode(node, "ip", "route", "replace", "default", "via", "192.168.0.253");
  await untilVia("192.168.0.253");
  await agent.close();
});
