// CHECK on a real node: what it finds broken, in the pod and beside it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startNode, type TestNode } from "../../../../test/support/node.ts";
import { runtimeOf } from "../../../../test/support/runtime.ts";

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());
const { add, done, refused, nothingLeft } = runtimeOf(() => node);

/** Each row: what is broken, the command that breaks it in the pod or on the node, what CHECK says. */
const broken: readonly (readonly [string, "pod" | "node", (name: string) => string, RegExp])[] = [
  ["an address is gone", "pod", () => "address del 10.0.5.5/32 dev eth0", /address 10\.0\.5\.5 is gone/],
  ["the default route is gone", "pod", () => "-6 route del default", /IPv6 default route is gone/],
  ["the interface is down", "pod", () => "link set eth0 down", /eth0 is down/],
  ["the interface is gone", "pod", () => "link del eth0", /eth0 is gone/],
  ["the pair is gone", "node", (name) => `link del ${name}`, /rom\w+ is gone/],
];
for (const [what, where, command, says] of broken)
  test(`CHECK says that ${what}; DEL works all the same`, async () => {
    const call = { id: "check", netns: node.pod(`check-${what.replaceAll(" ", "-")}`), args: "IP=10.0.5.5" };
    const prevResult = await add(call);
    await done("CHECK", { ...call, config: { prevResult } });
    const argv = ["ip", ...command(prevResult.interfaces[0]?.name ?? "").split(" ")];
    assert.equal((await node.run(argv, where === "pod" ? call.netns : node.netns)).code, 0);
    await refused("CHECK", { ...call, config: { prevResult } }, 101, says);
    await done("DEL", call);
    await nothingLeft();
  });

test("CHECK wants the result of the ADD, and of this one", async () => {
  const call = { id: "prev", netns: node.pod("prev") };
  const prevResult = await add(call);
  await refused("CHECK", call, 7, /prevResult: missing/);
  const other = { ...prevResult, ips: [{ address: "10.0.200.1/32" }] };
  await refused("CHECK", { ...call, config: { prevResult: other } }, 7, /prevResult\.ips/);
  await done("DEL", call);
  await refused("CHECK", { ...call, config: { prevResult } }, 3, /no attachment romana\/prev\/eth0/);
});
