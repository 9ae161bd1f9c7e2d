// The plugin while agent or daemon are away, and after they are back: nothing is lost, nothing is leaked, errors say what to do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { AddressList } from "../../../core/api/types.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { CniCall } from "../../../../test/support/cni-plugin.ts";
import { NODE, startNode, type TestNode } from "../../../../test/support/node.ts";
import { runtimeOf } from "../../../../test/support/runtime.ts";

let node: TestNode;
before(async () => {
  node = await startNode();
});
after(() => node?.close());

const WITHIN = { within: 20_000 };
const held = async (): Promise<string[]> =>
  (await node.get<AddressList>("/addresses")).addresses.map(({ name, ips }) => `${name} ${ips.join(" ")}`);
const reaches = async (from: string): Promise<boolean> => {
  const codes = NODE.ips.map(async (ip) => (await node.run(["ping", "-n", "-c1", "-W5", ip], from)).code);
  return (await Promise.all(codes)).every((code) => code === 0);
};
const { add, done, refused } = runtimeOf(() => node);
const status: CniCall = { id: "", config: { cniVersion: "1.1.0" } };

test("without a daemon: pods stay connected, ADD and DEL are tried again later, STATUS says why", async () => {
  const [old, late] = [
    { id: "old", netns: node.pod("old") },
    { id: "late", netns: node.pod("late") },
  ];
  const prevResult = await add(old);
  await node.stopDaemon("SIGKILL");
  assert.ok(await reaches(old.netns));
  await refused("ADD", late, 11, /the Romana daemon does not answer; .*127\.0\.0\.1:9600/);
  await refused("DEL", late, 11, /the Romana daemon does not answer/);
  await eventually(() => refused("STATUS", status, 50, /cannot attach pods; .*daemon: /), WITHIN);
  await done("CHECK", { ...old, config: { prevResult } });
  const { stdout } = await node.run(["ip", "-o", "link"], late.netns);
  assert.equal(stdout.trim().split("\n").length, 1, stdout);

  // The store was memory: the new daemon knows nothing but what the agent tells it.
  const topology = join(node.bed.dir, "topology.json");
  await node.startDaemon("--initial-topology", topology, "--adoption-window=1s");
  const own = `romana/old/eth0 ${prevResult.ips.map(({ address }) => address.split("/")[0]).join(" ")}`;
  await eventually(async () => assert.deepEqual(await held(), [own]), WITHIN);
  await eventually(() => add(late), WITHIN);
  assert.ok((await reaches(old.netns)) && (await reaches(late.netns)));
  for (const call of [old, late]) await done("DEL", call);
  assert.deepEqual(await held(), []);
});

test("without an agent: pods stay connected; the next one knows them, and its DEL frees them", async () => {
  const call = { id: "pod", netns: node.pod("pod") };
  const prevResult = await add(call);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await node.stopAgent(signal);
    assert.ok(await reaches(call.netns));
    await refused(
      "ADD",
      { id: "other", netns: call.netns },
      11,
      /agent does not run on this node; connect .*cni\.sock/,
    );
    await refused("STATUS", status, 50, /agent does not run on this node/);
    await node.startAgent();
    await done("CHECK", { ...call, config: { prevResult } });
    assert.ok(await reaches(call.netns));
  }
  await done("DEL", call);
  await done("DEL", call);
  assert.deepEqual(await held(), []);
  assert.doesNotMatch((await node.run(["ip", "-o", "link"], node.netns)).stdout, /rom[0-9a-f]{12}/);
});

test("a pod whose pair went while the agent was away is freed by its DEL", async () => {
  const call = { id: "gone", netns: node.pod("gone") };
  const added = await add(call);
  await node.stopAgent();
  await node.run(["ip", "link", "del", added.interfaces[0]?.name ?? ""], node.netns);
  await node.startAgent();
  await done("DEL", { id: "gone" });
  assert.deepEqual(await held(), []);
});

test("the log file of the configuration has a line a request", async () => {
  const log_file = join(node.bed.dir, "cni.log");
  await done("DEL", { id: "logged", config: { log_file } });
  await refused("ADD", { id: "logged", netns: "/run/netns/rom-nowhere", config: { log_file } }, 3, /gone/);
  const lines = await eventually(() => {
    const text = readFileSync(log_file, "utf8").trim().split("\n");
    assert.equal(text.length, 2);
    return text.map((line) => JSON.parse(line) as Record<string, unknown>);
  });
  assert.deepEqual(
    lines.map(({ command, container, code }) => [command, container, code]),
    [
      ["DEL", "logged", undefined],
      ["ADD", "logged", 3],
    ],
  );
});
