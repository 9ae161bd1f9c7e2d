// Masquerade by real packets: the world outside knows no way to pods, so who answers has seen the node's address.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ip } from "../../../../test/support/bed.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { OUTSIDE, startNode, type TestNode } from "../../../../test/support/node.ts";

/** Others at the outside's end: one is a host of Romana's, one is an exception. */
const HOST = ["192.168.0.253", "fd00:1::fd"];
const EXCEPTION = ["192.168.0.252", "fd00:1::fc"];
/** Of a service whose only endpoint is the outside, as kube-proxy translates it in iptables' tables or its own. */
const SERVICE = ["198.51.100.1", "2001:db8:5::1"];
const services = ["ip", "ip6"].map(
  (family, i) => `table ${family} kube {
    chain to { type nat hook prerouting priority dstnat; ${family} daddr ${SERVICE[i]} dnat to ${OUTSIDE.ips[i]}; }
    chain from { type nat hook postrouting priority srcnat; meta mark 0x4000 masquerade; }
  }`,
);

let node: TestNode;
let pod: string;
before(async () => {
  node = await startNode("memory", ["--nat", "--nat-exceptions", `${EXCEPTION[0]}/32,${EXCEPTION[1]}/128`]);
  const outside = node.outside.split("/").at(-1) ?? "";
  for (const address of [...HOST, ...EXCEPTION])
    ip("-n", outside, "addr", "add", address, "dev", "eth0", ...(address.includes(":") ? ["nodad"] : []));
  for (const family of ["-4", "-6"]) ip("-n", outside, family, "route", "del", "default");
  const body = JSON.stringify({ name: "other", ips: HOST });
  const url = "http://127.0.0.1:9600/hosts";
  const json = ["-H", "content-type: application/json", "-d", body];
  assert.equal((await node.run(["curl", "-sSf", ...json, url], node.netns)).code, 0);
  assert.equal((await node.run(["nft", "-f", "-"], node.netns, services.join("\n"))).code, 0);
  pod = node.pod("pod");
  assert.equal((await node.cni("ADD", { id: "pod", netns: pod })).code, 0);
});
after(() => node?.close());

const answers = async (target: string): Promise<boolean> =>
  (await node.run(["ping", "-n", "-c1", "-W1", target], pod)).code === 0;
const rows: [sentence: string, targets: readonly string[], expected: boolean][] = [
  ["the world outside sees the node's address", OUTSIDE.ips, true],
  ["through a service too", SERVICE, true],
  ["so does a host of Romana's, whether it is on this node's link or in another rack", HOST, true],
  ["an exception sees the pod's", EXCEPTION, false],
];
for (const [sentence, targets, expected] of rows)
  for (const target of targets)
    test(`${sentence} (${target})`, async () => {
      await eventually(async () => assert.equal(await answers(target), expected), { within: 5000 });
    });

test("another pod sees the pod's address", async () => {
  const netns = node.pod("peer");
  const { json } = await node.cni("ADD", { id: "peer", netns });
  for (const { address } of json?.ips ?? []) assert.ok(await answers(address.replace(/\/.*/, "")));
  const { stdout } = await node.run(["nft", "list", "table", "inet", "romana"], node.netns);
  assert.match(stdout, /masquerade fully-random/);
  assert.match(stdout, /10\.0\.0\.0\/16/);
});
