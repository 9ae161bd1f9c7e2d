// Policy from the API to the packet, on a real node: daemon, agent, plugin and kernel.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import { startNode, type TestNode } from "../../../../test/support/node.ts";

const API = "http://127.0.0.1:9600";
let node: TestNode;
type Pod = { readonly id: string; readonly netns: string; readonly ips: readonly string[] };

before(async () => {
  node = await startNode("memory", ["--deny-log"]);
});
after(() => node?.close());

async function ask(method: string, path: string, body?: unknown): Promise<void> {
  const data = body === undefined ? [] : ["-H", "content-type: application/json", "-d", JSON.stringify(body)];
  const { code, stderr } = await node.run(["curl", "-sSf", "-X", method, ...data, API + path], node.netns);
  assert.equal(code, 0, stderr);
}
let pods = 0;
async function add(segment: string): Promise<Pod> {
  const id = `${segment}-${++pods}`;
  const netns = node.pod(id);
  const args = `ROMANA_TENANT=shop;ROMANA_SEGMENT=${segment}`;
  const { code, json } = await node.cni("ADD", { id, netns, args });
  assert.equal(code, 0, JSON.stringify(json));
  return { id, netns, ips: (json?.ips ?? []).map(({ address }) => address.replace(/\/.*/, "")) };
}
const del = async ({ id, netns }: Pod): Promise<void> => {
  assert.equal((await node.cni("DEL", { id, netns })).code, 0);
};
/** In both families, which must agree. */
async function reaches(from: string, { ips }: Pod): Promise<boolean> {
  const pings = ips.map((ip) => node.run(["ping", "-n", "-c1", "-W0.5", ip], from));
  const codes = (await Promise.all(pings)).map(({ code }) => code === 0);
  assert.equal(new Set(codes).size, 1, `both families: ${codes.join()}`);
  return codes[0] ?? false;
}
/** A policy is heard of some milliseconds after the API took it. */
async function becomes(from: Pod, to: Pod, expected: boolean): Promise<void> {
  await eventually(async () => assert.equal(await reaches(from.netns, to), expected), { within: 5000 });
}
const guard = (id: string, more: object = {}): object => ({
  id,
  direction: "ingress",
  applied_to: [{ tenant_id: "shop", segment_id: "db" }],
  ingress: [{ peers: [{ tenant_id: "shop", segment_id: "web" }], rules: [{ protocol: "any" }] }],
  ...more,
});

test("a pod that a policy selects is isolated when its ADD is answered", async () => {
  const [web, other, first] = [await add("web"), await add("other"), await add("db")];
  await ask("POST", "/policies", guard("db"));
  await becomes(other, first, false);
  for (let i = 0; i < 5; i++) {
    const db = await add("db");
    assert.ok(!(await reaches(other.netns, db)), "one that no rule allows");
    assert.ok(await reaches(web.netns, db), "one that a rule allows");
    assert.ok(await reaches(node.netns, db), "its host");
    await del(db);
  }
  for (const pod of [web, other, first]) await del(pod);
  await ask("DELETE", "/policies/db");
});

test("a peer that comes is let in when its ADD is answered, for the set is on its own node", async () => {
  const [db, other] = [await add("db"), await add("other")];
  await ask("POST", "/policies", guard("db"));
  await becomes(other, db, false);
  for (let i = 0; i < 5; i++) {
    const web = await add("web");
    assert.ok(await reaches(web.netns, db));
    await del(web);
  }
  for (const pod of [db, other]) await del(pod);
  await ask("DELETE", "/policies/db");
});

test("a policy that comes, changes and goes is heard of by pods that are there", async () => {
  const [db, other] = [await add("db"), await add("other")];
  await becomes(other, db, true);
  await ask("POST", "/policies", guard("db"));
  await becomes(other, db, false);
  await ask(
    "POST",
    "/policies",
    guard("more", { ingress: [{ peers: [{ peer: "any" }], rules: [{ protocol: "any" }] }] }),
  );
  await becomes(other, db, true);
  await ask("POST", "/policies", guard("more"));
  await becomes(other, db, false);
  for (const id of ["db", "more"]) await ask("DELETE", `/policies/${id}`);
  await becomes(other, db, true);
  for (const pod of [db, other]) await del(pod);
});

/** A line of the agent's log. */
const deniedBy = (policies: string, protocol: string): Record<string, unknown> | undefined =>
  node.bed
    .log("agent")
    .split("\n")
    .filter((line) => line.includes('"msg":"denied"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((line) => line["policies"] === policies && line["protocol"] === protocol);

test("what a policy keeps out is counted by its id and direction, and logged with both ends", async () => {
  const [db, other] = [await add("db"), await add("other")];
  await ask("POST", "/policies", guard("counted"));
  await becomes(other, db, false);
  const { stdout } = await node.run(["curl", "-sS", "http://127.0.0.1:9607/metrics"], node.netns);
  const found = /^romana_agent_denied_packets_total\{direction="ingress",policies="counted"\} (\d+)$/m.exec(
    stdout,
  );
  assert.ok(Number(found?.[1]) >= 2, stdout);
  // The kernel tells of some together, a second later at most.
  await eventually(() => {
    for (const [i, protocol] of ["icmp", "icmpv6"].entries()) {
      const { direction, from, to, fromPod, toPod } = deniedBy("counted", protocol) ?? {};
      assert.deepEqual([direction, from, to], ["ingress", other.ips[i], db.ips[i]]);
      assert.match(`${String(fromPod)} ${String(toPod)}`, /other-\d+.* .*db-\d+/);
    }
  });
  for (const pod of [db, other]) await del(pod);
  await ask("DELETE", "/policies/counted");
});

test("policy holds while an agent dies and the next one starts", async () => {
  const [db, other] = [await add("db"), await add("other")];
  await ask("POST", "/policies", guard("db"));
  await becomes(other, db, false);
  let isOpen = false;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) isOpen ||= await reaches(other.netns, db);
  })();
  await node.stopAgent("SIGKILL");
  await node.startAgent();
  isOver = true;
  await watching;
  assert.ok(!isOpen);
  for (const pod of [db, other]) await del(pod);
  await ask("DELETE", "/policies/db");
});
