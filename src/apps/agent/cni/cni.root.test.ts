// The plugin on a real node: shim, agent, daemon and kernel. Each test uses pods of its own and leaves none.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import type { CniOutput } from "../../../../test/support/cni-plugin.ts";
import { NODE, OUTSIDE, startNode, type TestNode } from "../../../../test/support/node.ts";
import { ipsOf, runtimeOf } from "../../../../test/support/runtime.ts";
import { encodeReply } from "./frame.ts";

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());
const { add, done, addresses, podLinks, reaches, nothingLeft } = runtimeOf(() => node);

for (const cniVersion of ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
  test(`${cniVersion}: ADD gives both families, reached from and reaching node, outside and other pods; DEL takes all`, async () => {
    const config = { cniVersion };
    const [a, b] = ["a", "b"].map((id) => ({
      id: `${id}-${cniVersion}`,
      netns: node.pod(`${id}-${cniVersion}`),
      config,
    }));
    assert.ok(a && b);
    const [first, second] = [await add(a), await add(b)];
    assert.equal(first.cniVersion, cniVersion);
    assert.deepEqual(
      first.ips.map(({ interface: at }) => first.interfaces[at]?.sandbox),
      [a.netns, a.netns],
    );
    await reaches(a.netns, [...ipsOf(second), ...NODE.ips, ...OUTSIDE.ips]);
    await reaches(node.netns, ipsOf(first));
    if (cniVersion !== "0.3.1") await done("CHECK", { ...a, config: { ...config, prevResult: first } });
    for (const call of [a, b]) await done("DEL", call);
    await nothingLeft();
  });

test("an ADD that is tried again gets the same addresses, and a DEL that comes again or late frees nobody else's", async () => {
  const netns = node.pod("again");
  const first = await add({ id: "again", netns });
  assert.deepEqual((await add({ id: "again", netns })).ips, first.ips);
  assert.equal((await podLinks()).length, 1);
  for (let i = 0; i < 3; i++) await done("DEL", { id: "again" });
  // Somebody else asks for the freed addresses; the late DEL of the first leaves them to him.
  const config = { args: { cni: { ips: ipsOf(first) } } };
  const heir = { id: "heir", netns: node.pod("heir"), config };
  assert.deepEqual((await add(heir)).ips, first.ips);
  await done("DEL", { id: "again", netns });
  assert.deepEqual(
    (await addresses()).map(({ name }) => name),
    ["romana/heir/eth0"],
  );
  await reaches(heir.netns, NODE.ips);
  await done("DEL", heir);
  await nothingLeft();
});

test("a DEL frees what only the daemon knows of: an ADD that died between the two", async () => {
  const body = JSON.stringify({ name: "romana/died/eth0", host: NODE.name, tenant: "t" });
  const headers = ["-H", "content-type: application/json"];
  await node.run(["curl", "-sSf", ...headers, "-d", body, "http://127.0.0.1:9600/address"], node.netns);
  assert.equal((await addresses()).length, 1);
  await done("DEL", { id: "died" });
  await nothingLeft();
});

test("GC frees what the runtime does not name, and what only the daemon knows of; other networks stay", async () => {
  const named = (id: string, name = "romana") => ({ id, netns: node.pod(`gc-${id}`), config: { name } });
  const [kept, stale, foreign] = [named("kept"), named("stale"), named("foreign", "other")];
  for (const call of [kept, stale, foreign]) await add(call);
  const body = JSON.stringify({ name: "romana/leaked/eth0", host: NODE.name, tenant: "t" });
  const headers = ["-H", "content-type: application/json"];
  await node.run(["curl", "-sSf", ...headers, "-d", body, "http://127.0.0.1:9600/address"], node.netns);
  const gc = (list?: object[]): Promise<void> =>
    done("GC", {
      id: "",
      config: { cniVersion: "1.1.0", ...(list && { "cni.dev/valid-attachments": list }) },
    });
  await gc();
  assert.equal(
    (await addresses()).length,
    4,
    "a runtime that names nothing has not said that nothing is in use",
  );
  await gc([{ containerID: "kept", ifname: "eth0" }]);
  assert.deepEqual((await addresses()).map(({ name }) => name).sort(), [
    "other/foreign/eth0",
    "romana/kept/eth0",
  ]);
  await reaches(kept.netns, NODE.ips);
  for (const call of [kept, stale, foreign]) await done("DEL", call);
  await nothingLeft();
});

test("a hundred ADDs at once, then a hundred DELs, leave nothing behind", async () => {
  const [helper] = await helperOfAgent();
  const openFiles = (): number => readdirSync(`/proc/${helper}/fd`).length;
  const before = openFiles();
  const calls = Array.from({ length: 100 }, (_, i) => ({ id: `many-${i}`, netns: node.pod(`many-${i}`) }));
  const results = await Promise.all(calls.map(add));
  assert.equal(new Set(results.flatMap(ipsOf)).size, 200);
  await reaches(calls[0]?.netns ?? "", ipsOf(results[99] as CniOutput));
  // Half of them at the same time as their own ADD tried once more, as a runtime that lost patience does.
  await Promise.all(
    calls.flatMap((call, i) => (i % 2 ? [done("DEL", call)] : [add(call), done("DEL", call)])),
  );
  await Promise.all(calls.map((call) => done("DEL", call)));
  await nothingLeft();
  await eventually(() => assert.equal(openFiles(), before));
});

async function helperOfAgent(): Promise<string[]> {
  const pid = node.agentPid();
  const { stdout } = await node.run(["cat", `/proc/${pid}/task/${pid}/children`], node.netns);
  return stdout.trim().split(" ");
}

test("garbage on the socket is answered or cut off, and hurts nobody", async () => {
  const speak = (bytes: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const socket = connect(node.socket, () => socket.end(bytes));
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      socket.on("close", () => resolve(Buffer.concat(chunks)));
    });
  const frame = (text: string): Buffer => Buffer.concat([lengthOf(text.length), Buffer.from(text)]);
  for (const [bytes, code] of [
    [Buffer.from("GET / HTTP/1.1\r\n\r\n"), 6],
    [lengthOf(0xffffffff), 6],
    [lengthOf(1000), 6],
    [Buffer.from([1]), 6],
    [frame("no zero anywhere"), 6],
    [frame("CNI_COMMAND=ADD\0\0{}"), 1],
    [frame("CNI_COMMAND=\x01\0\0{}"), 4],
  ] as const) {
    const reply = await speak(bytes);
    assert.equal((JSON.parse(reply.subarray(8).toString()) as CniOutput).code, code, bytes.toString());
    assert.equal(reply.readUInt32LE(0), 1);
  }
  const silent = connect(node.socket);
  await done("STATUS", { id: "", config: { cniVersion: "1.1.0" } });
  silent.destroy();
});

const lengthOf = (length: number): Buffer => encodeReply(length, "").subarray(0, 4);
