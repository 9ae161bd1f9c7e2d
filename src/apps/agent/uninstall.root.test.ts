// `romana agent uninstall` on a node with pods: what it refuses, what it takes, what it leaves.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nativePath, PROGRAM } from "../../../test/support/bed.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { startNode, type TestNode } from "../../../test/support/node.ts";
import { runtimeOf } from "../../../test/support/runtime.ts";
import { installPlugin } from "./cni/plugin-files.ts";

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());
const { add } = runtimeOf(() => node);

const at = (name: string): string => join(node.bed.dir, name);
const uninstall = (...words: string[]) => {
  const places = [
    `--cni-bin-dir=${at("bin")}`,
    `--cni-conf-dir=${at("conf")}`,
    `--cni-socket=${node.socket}`,
  ];
  const argv = [process.execPath, PROGRAM.source, "agent", "uninstall", `--state-dir=${at("state")}`];
  return node.run([...argv, ...places, ...words], node.netns);
};
/** What of the node's kernel could be ours, or was there before us. */
async function kernel(): Promise<string> {
  const script = `ip -o link | grep -oE ' rom[0-9a-f]{12}'
    for family in -4 -6; do ip $family rule | grep -w 10; ip $family route show table all | grep 'table 10'; done
    nft list tables`;
  return (await node.run(["sh", "-c", script], node.netns)).stdout;
}

test("while an agent runs, it is refused and nothing is touched", async () => {
  await installPlugin(source(), { cniBinDir: at("bin"), cniConfDir: at("conf") });
  await add({ id: "pod", netns: node.pod("pod") });
  const before = await kernel();
  const { code, stderr } = await uninstall("--force");
  assert.equal(code, 1);
  assert.match(stderr, /^romana: an agent answers at .*cni\.sock: end it first/);
  assert.deepEqual([await kernel(), readdirSync(at("conf"))], [before, ["10-romana.conflist"]]);
});

test("while pods have their network from Romana, it is refused and nothing is touched", async () => {
  await node.stopAgent();
  const before = await kernel();
  assert.match(before, /rom\w{12}/);
  const { code, stderr } = await uninstall();
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^romana: pods with a network from Romana are on this node, 1 of them: drain it, or say --force/,
  );
  assert.deepEqual([await kernel(), readdirSync(at("conf"))], [before, ["10-romana.conflist"]]);
});

test("--force takes all that is Romana's and nothing of others; again there is nothing to take", async () => {
  const others = `nft add table inet other
    ip route add 10.9.0.0/16 via 192.168.0.254 table 10 proto static`;
  await node.run(["sh", "-ec", others], node.netns);
  writeFileSync(at("bin/portmap"), "");
  writeFileSync(at("state/note"), "");
  const { code, stdout, stderr } = await uninstall("--force");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^rm .*10-romana\.conflist\nrm .*\/romana\nip link delete rom/);
  assert.match(stdout, /nft delete table inet romana\n/);
  assert.match(stdout, /ip -4 rule delete priority 10 lookup 10 protocol 82/);
  assert.equal(
    await kernel(),
    "10.9.0.0/16 via 192.168.0.254 dev eth0 table 10 proto static \ntable inet other\n",
  );
  assert.deepEqual([readdirSync(at("bin")), readdirSync(at("conf"))], [["portmap"], []]);
  assert.deepEqual([readdirSync(at("state")), existsSync(node.socket)], [["note"], false]);
  assert.deepEqual(await uninstall(), { code: 0, stdout: "", stderr: "" });
});

test("an agent that comes after it begins as on a new node", async () => {
  await node.startAgent();
  await eventually(async () => assert.match(await kernel(), /table inet romana/));
  await node.stopAgent();
});

test("a wrong word is refused by name", async () => {
  const { code, stderr } = await uninstall("--dry");
  assert.equal(code, 2);
  assert.match(stderr, /--dry: "--dry": expected one of --force/);
});

function source(): string {
  const folder = at("source");
  mkdirSync(folder, { recursive: true });
  for (const [name, from] of [
    ["romana", nativePath],
    ["10-romana.conflist", "deploy/cni/10-romana.conflist"],
  ] as const)
    cpSync(from, join(folder, name));
  return folder;
}
