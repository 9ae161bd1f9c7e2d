// The packet filter on a real node: through the plugin, an agent that stops and starts, and what others do to the table.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { ip } from "../../../../test/support/bed.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { NODE, OUTSIDE, startNode, type TestNode } from "../../../../test/support/node.ts";

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());

const nft = async (...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await node.run(["nft", ...words], node.netns);
  assert.equal(code, 0, stderr);
  return stdout;
};
const table = (): Promise<string> => nft("list", "table", "inet", "romana");
const own = async (): Promise<string> =>
  (await nft("list", "set", "inet", "romana", "own.4")) +
  (await nft("list", "set", "inet", "romana", "own.6"));
const withoutCounts = (text: string): string => text.replace(/packets \d+ bytes \d+/g, "");
const status = async (): Promise<string> => {
  const { json } = await node.cni("STATUS", { id: "", config: { cniVersion: "1.1.0" } });
  return json?.details ?? "ready";
};
const add = async (id: string): Promise<{ netns: string; ips: string[] }> => {
  const netns = node.pod(id);
  const { code, json } = await node.cni("ADD", { id, netns });
  assert.equal(code, 0, JSON.stringify(json));
  return { netns, ips: (json?.ips ?? []).map(({ address }) => address.replace(/\/.*/, "")) };
};
const pings = async (from: string, to: string, source: string): Promise<boolean> =>
  (await node.run(["ping", "-n", "-c1", "-W1", "-I", source, to], from)).code === 0;
afterEach(() => eventually(async () => assert.equal(await status(), "ready"), { within: 10_000 }));

test("a pod may send from its addresses when its ADD is answered, and from no others; its DEL takes that away", async () => {
  const { netns, ips } = await add("own");
  const text = await own();
  for (const address of ips) assert.ok(text.includes(address), text);
  const strange = ["10.0.255.1", "fd00:2::ffff"];
  for (const address of strange)
    ip(
      "-n",
      netns.split("/").at(-1) ?? "",
      "addr",
      "add",
      address,
      "dev",
      "eth0",
      ...(address.includes(":") ? ["nodad"] : []),
    );
  for (const [i, target] of [...NODE.ips, ...OUTSIDE.ips].entries()) {
    assert.ok(await pings(netns, target, ips[i % 2] ?? ""), `${ips[i % 2]} to ${target}`);
    assert.ok(!(await pings(netns, target, strange[i % 2] ?? "")), `${strange[i % 2]} to ${target}`);
  }
  await node.cni("DEL", { id: "own", netns });
  await eventually(async () => assert.doesNotMatch(await own(), /"rom/));
});

test("an agent that ends leaves the table, and the next one finds nothing to do", async () => {
  const { netns } = await add("stays");
  const before = await table();
  await node.stopAgent();
  assert.equal(await table(), before);
  await node.startAgent();
  assert.equal(await table(), before);
  assert.doesNotMatch(node.bed.log("agent").split('"stopping"').at(-1) ?? "", /table synced/);
  await node.cni("DEL", { id: "stays", netns });
});

test("while the daemon is away the table stays, over a restart of the agent too", async () => {
  const { netns, ips } = await add("alone");
  await node.stopDaemon("SIGKILL");
  await node.stopAgent("SIGKILL");
  const before = await table();
  const starting = node.startAgent();
  await eventually(() => assert.match(node.bed.log("agent"), /daemon/));
  assert.equal(await table(), before);
  assert.ok(await pings(netns, OUTSIDE.ips[0], ips[0] ?? ""));
  await node.startDaemon(
    ...["--new-cluster", "--adoption-window", "1s"],
    ...["--initial-topology", `${node.bed.dir}/topology.json`],
  );
  await starting;
  await node.cni("DEL", { id: "alone", netns });
});

const changedByOthers = async (): Promise<number> => {
  const { stdout } = await node.run(["curl", "-sS", "http://127.0.0.1:9607/metrics"], node.netns);
  return Number(/^romana_agent_table_changes_by_others_total (\d+)$/m.exec(stdout)?.[1]);
};
/** As `nft` does it, which sends whole transactions. */
const damages: readonly (readonly [string, readonly string[]])[] = [
  ["the table is deleted", ["delete", "table", "inet", "romana"]],
  ["the table is flushed", ["flush", "table", "inet", "romana"]],
  ["a chain is flushed", ["flush", "chain", "inet", "romana", "from-pod"]],
  ["a rule is put first", ["insert", "rule", "inet", "romana", "forward", "accept"]],
  ["a chain is added", ["add", "chain", "inet", "romana", "strange"]],
  ["a set is emptied", ["flush", "set", "inet", "romana", "own.4"]],
  ["everything is flushed", ["flush", "ruleset"]],
];
for (const [i, [what, words]] of damages.entries())
  test(`when ${what}, that is heard of and mended, and counted`, async () => {
    const id = `damaged-${i}`;
    const { netns } = await add(id);
    const [before, count] = [withoutCounts(await table()), await changedByOthers()];
    await nft(...words);
    await eventually(async () => assert.equal(withoutCounts(await table()), before), { within: 10_000 });
    assert.ok((await changedByOthers()) > count);
    await node.cni("DEL", { id, netns });
  });

test("tables of others are let be, and what happens in them makes nobody look", async () => {
  const count = await changedByOthers();
  await nft("add", "table", "inet", "other");
  const { netns } = await add("beside");
  await node.cni("DEL", { id: "beside", netns });
  await nft("list", "table", "inet", "other");
  assert.equal(await changedByOthers(), count);
});

test("somebody else's table of our name stays as it is, and the node says so and is not ready", async () => {
  const text = 'delete table inet romana\ntable inet romana { comment "mine"; }\n';
  assert.equal((await node.run(["nft", "-f", "-"], node.netns, text)).code, 0);
  await eventually(async () => assert.match(await status(), /filter: .*table inet romana.*"mine"/), {
    within: 5000,
  });
  const { code, json } = await node.cni("ADD", { id: "foreign", netns: node.pod("foreign") });
  assert.deepEqual([code, json?.code], [1, 11], JSON.stringify(json));
  assert.match(await table(), /comment "mine"\n}/);
  await nft("delete", "table", "inet", "romana");
  await eventually(async () => assert.equal(await status(), "ready"), { within: 5000 });
});
