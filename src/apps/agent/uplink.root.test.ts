// What an agent takes from the network that it finds: the packets' size of its uplink, and whether pods, services and nodes have addresses
// of their own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { startNode, type TestNode } from "../../../test/support/node.ts";

const WITHIN = { within: 30_000, every: 100 };
let node: TestNode;
let services: TestNode;
let pods = 0;
before(async () => {
  node = await startNode();
  services = await startNode("memory", [
    "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112",
    "--mtu=1280",
  ]);
});
after(async () => {
  await node?.close();
  await services?.close();
});

const here = async (on: TestNode, words: string): Promise<void> => {
  const { code, stderr } = await on.run(words.split(" "), on.netns);
  assert.equal(code, 0, stderr);
};

/** Of both ends of a new pod. */
async function mtusOf(
  on: TestNode,
  id: string,
  config: Record<string, unknown> = {},
): Promise<(number | undefined)[]> {
  const call = { id, netns: on.pod(id), config };
  const { code, json } = await on.cni("ADD", call);
  assert.equal(code, 0, JSON.stringify(json));
  return Promise.all([
    mtu(on, on.netns, json?.interfaces[0]?.name),
    mtu(on, call.netns, json?.interfaces[1]?.name),
  ]);
}

async function mtu(on: TestNode, netns: string, link = ""): Promise<number | undefined> {
  const { stdout } = await on.run(["ip", "-json", "link", "show", link], netns);
  return (JSON.parse(stdout) as { mtu: number }[])[0]?.mtu;
}

test("pods have the size of the uplink as it is now; the option, then the network configuration, say another", async () => {
  assert.deepEqual(await mtusOf(node, "first"), [1500, 1500]);
  await here(node, "ip link set eth0 mtu 9000");
  await eventually(async () => assert.deepEqual(await mtusOf(node, `jumbo-${pods++}`), [9000, 9000]), WITHIN);
  await here(node, "ip link set eth0 mtu 1400");
  await eventually(async () => assert.deepEqual(await mtusOf(node, `small-${pods++}`), [1400, 1400]), WITHIN);
  assert.deepEqual(await mtusOf(node, "configured", { mtu: 1300 }), [1300, 1300]);
  assert.deepEqual(await mtusOf(services, "option"), [1280, 1280]);
  assert.deepEqual(await mtusOf(services, "both", { mtu: 1300 }), [1300, 1300]);
});
/** What makes an overlap, what ends it, and how it is told. */
const overlaps: readonly (readonly [what: string, make: string, mend: string, told: RegExp])[] = [
  [
    "a subnet of the node and pods",
    "ip addr add 10.0.9.1/24 dev eth0",
    "ip addr del 10.0.9.1/24 dev eth0",
    /network v4 \(10\.0\.0\.0\/16\) overlaps this node's subnet 10\.0\.9\.0\/24/,
  ],
  [
    "a subnet of the node and pods, in the other family",
    "ip -6 addr add fd00:2::9/80 dev eth0 nodad",
    "ip -6 addr del fd00:2::9/80 dev eth0",
    /network v6 \(fd00:2::\/64\) overlaps this node's subnet fd00:2::\/80/,
  ],
  [
    "a subnet of the node and services",
    "ip addr add 10.96.4.1/24 dev eth0",
    "ip addr del 10.96.4.1/24 dev eth0",
    /the service range 10\.96\.0\.0\/16 overlaps this node's subnet 10\.96\.4\.0\/24/,
  ],
];
for (const [what, make, mend, told] of overlaps)
  test(`addresses of two in one place: ${what}. The node is not ready and says why, and goes on when that ends`, async () => {
    const status = () => services.cni("STATUS", { id: "", config: { cniVersion: "1.1.0" } });
    await here(services, make);
    await eventually(async () => {
      const { stdout } = await services.run(["curl", "-s", "http://127.0.0.1:9607/readyz"], services.netns);
      assert.match(stdout, told);
    }, WITHIN);
    const { json } = await status();
    assert.equal(json?.code, 50);
    assert.match(json?.details ?? "", told);
    // Its log is a file that the agent writes when it has nothing else to do.
    await eventually(() => assert.match(services.bed.log("agent"), told), WITHIN);
    await here(services, mend);
    await eventually(async () => assert.equal((await status()).code, 0), WITHIN);
  });
