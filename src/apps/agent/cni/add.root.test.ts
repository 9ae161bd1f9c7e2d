// ADD on a real node: how an attachment is asked for, and what is refused. Each test uses pods of its own and leaves none.
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { CniCall } from "../../../../test/support/cni-plugin.ts";
import { startNode, type TestNode } from "../../../../test/support/node.ts";
import { ipsOf, runtimeOf } from "../../../../test/support/runtime.ts";

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());
const { add, done, refused, links, nothingLeft } = runtimeOf(() => node);

test("the interface is called as the runtime says, with the MTU of the configuration; two in one container are two", async () => {
  const netns = node.pod("names");
  const calls = [
    { id: "names", netns, ifname: "net-é.1", config: { mtu: 1400 } },
    { id: "names", netns, ifname: "eth1", config: { name: "other" } },
  ];
  const [{ interfaces }] = [await add(calls[0] as CniCall), await add(calls[1] as CniCall)];
  assert.equal(interfaces[1]?.name, "net-é.1");
  assert.deepEqual((await links(netns)).sort(), ["eth1", "lo", "net-é.1"]);
  assert.match((await node.run(["ip", "link", "show", "net-é.1"], netns)).stdout, /mtu 1400/);
  for (const call of calls) await done("DEL", call);
  await nothingLeft();
});

/** Each row: how it is asked for; environment and configuration. */
const statics: readonly (readonly [string, Partial<CniCall>])[] = [
  ["runtimeConfig", { config: { runtimeConfig: { ips: ["10.0.7.7/24", "fd00:2::77"] } } }],
  ["args.cni", { config: { args: { cni: { ips: ["10.0.7.7", "fd00:2::77"] } } } }],
  ["CNI_ARGS", { args: "IgnoreUnknown=1;IP=10.0.7.7,fd00:2::77" }],
];
for (const [how, call] of statics)
  test(`static addresses by ${how}; taken ones are refused, and the refused ADD leaves nothing`, async () => {
    const [fixed, rival] = [
      { id: "fixed", netns: node.pod(`fixed-${how}`), ...call },
      { id: "rival", netns: node.pod(`rival-${how}`), ...call },
    ];
    assert.deepEqual(ipsOf(await add(fixed)), ["10.0.7.7", "fd00:2::77"]);
    await refused("ADD", rival, 100, /10\.0\.7\.7.*romana\/fixed\/eth0|belongs/);
    assert.deepEqual(await links(rival.netns), ["lo"]);
    await done("DEL", fixed);
    await nothingLeft();
  });

test("one static address brings another of the other family", async () => {
  const call = { id: "one", netns: node.pod("one"), args: "IP=10.0.9.9" };
  const ips = ipsOf(await add(call));
  assert.deepEqual([ips[0], ips[1]?.includes(":")], ["10.0.9.9", true]);
  await done("DEL", call);
});

/** Each row: what is wrong, the call, the code, what is said. */
const failing: readonly (readonly [string, () => CniCall, number, RegExp])[] = [
  [
    "a namespace that is gone",
    () => ({ id: "x", netns: "/run/netns/rom-nowhere" }),
    3,
    /CNI_NETNS.*rom-nowhere/,
  ],
  ["a namespace that is none", () => ({ id: "x", netns: "/etc/passwd" }), 3, /CNI_NETNS.*passwd/],
  [
    "a name that the container has",
    () => ({ id: "x", netns: node.pod("taken"), ifname: "lo" }),
    4,
    /CNI_IFNAME.*lo/,
  ],
  [
    "an address outside of the network",
    () => ({ id: "x", netns: node.pod("far"), args: "IP=8.8.8.8" }),
    100,
    /8\.8\.8\.8.*10\.0\.0\.0\/16/,
  ],
  [
    "two addresses of one family",
    () => ({ id: "x", netns: node.pod("two"), args: "IP=10.0.1.1,10.0.1.2" }),
    100,
    /one address a family/,
  ],
  [
    "the name of another host",
    () => ({ id: "x", netns: node.pod("host"), config: { romana_host_name: "node-2" } }),
    7,
    /romana_host_name.*node-2.*node-1/,
  ],
  [
    "garbage as configuration",
    () => ({ id: "x", netns: node.pod("garbage"), config: `{"socket":"${node.socket}",\u0000` }),
    6,
    /not JSON/,
  ],
  [
    "a NUL in the network's name",
    () => ({ id: "x", netns: node.pod("nul"), config: { name: "a\u0000b" } }),
    7,
    /name.*\\u0000/,
  ],
];
for (const [what, call, code, says] of failing)
  test(`ADD refuses ${what}, and leaves nothing`, async () => {
    await refused("ADD", call(), code, says);
    await nothingLeft();
  });

test("an ADD that cannot be kept is undone, and tried again later", async () => {
  const endpoints = join(node.bed.dir, "state/endpoints");
  rmSync(endpoints, { recursive: true });
  const call = { id: "unkept", netns: node.pod("unkept") };
  await refused("ADD", call, 11, /STATE_DIR/);
  mkdirSync(endpoints);
  assert.deepEqual(await links(call.netns), ["lo"]);
  await nothingLeft();
});
