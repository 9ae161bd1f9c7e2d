// A pod that dies without a DEL, on a real node: its address is missed, and freed after the grace period, over a crash of the daemon; the
// addresses of pods that live never are, not even when the agent has lost its files.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { startNode, type TestNode } from "../../../test/support/node.ts";
import type { CheckReply } from "../../core/api/ipam.ts";
import type { AddressList } from "../../core/api/types.ts";

const GRACE = "--leak-grace=3s";
const SLOW = { within: 60_000, every: 200 };
let node: TestNode;
const dir = mkdtempSync(join(tmpdir(), "romana-leak-"));
before(async () => {
  node = await startNode(`sqlite:${dir}/romana.db`, ["--report-interval=1s"]);
});
after(async () => {
  await node.close();
  rmSync(dir, { recursive: true });
});

const held = async (): Promise<string[]> =>
  (await node.get<AddressList>("/addresses")).addresses.map(({ name }) => name).sort();
const nameOf = (id: string): string => `romana/${id}/eth0`;

/** Reports that the daemon has taken since it started. */
async function reports(): Promise<number> {
  const { stdout } = await node.run(["curl", "-sSf", "http://127.0.0.1:9600/metrics"], node.netns);
  return Number(/requests_total\{route="\/hosts\/:name\/report",status="200"\} (\d+)/.exec(stdout)?.[1] ?? 0);
}

async function untilReported(times: number): Promise<void> {
  const before = await reports();
  await eventually(async () => assert.ok((await reports()) >= before + times), SLOW);
}

test("a pod that was killed with its namespace is missed, and freed after the grace period; a late DEL is content", async () => {
  const victim = node.bed.start("victim", ["unshare", "-n", "sleep", "infinity"]);
  const netns = `/proc/${victim.pid}/ns/net`;
  await eventually(async () => assert.equal((await node.cni("ADD", { id: "lost", netns })).code, 0), SLOW);
  const stays = await node.cni("ADD", { id: "stays", netns: node.pod("stays") });
  assert.deepEqual([stays.code, await held()], [0, [nameOf("lost"), nameOf("stays")]]);
  victim.kill("SIGKILL");
  await eventually(async () => {
    const { findings } = await node.get<CheckReply>("/ipam/check");
    assert.deepEqual(
      findings.map(({ kind, subject }) => [kind, subject]),
      [["leaked", nameOf("lost")]],
    );
  }, SLOW);
  assert.deepEqual(await held(), [nameOf("lost"), nameOf("stays")]);
  await node.stopDaemon("SIGKILL");
  await node.startDaemon(GRACE);
  await eventually(async () => assert.deepEqual(await held(), [nameOf("stays")]), SLOW);
  assert.equal((await node.get<CheckReply>("/ipam/check")).total, 0);
  assert.equal((await node.cni("DEL", { id: "lost", netns })).code, 0);
});

test("an agent that lost its files reports the pods whose interfaces are there", async () => {
  await node.stopAgent("SIGKILL");
  rmSync(join(node.bed.dir, "state"), { recursive: true });
  await node.startAgent();
  await untilReported(4);
  assert.deepEqual(await held(), [nameOf("stays")]);
  assert.equal((await node.get<CheckReply>("/ipam/check")).total, 0);
});
