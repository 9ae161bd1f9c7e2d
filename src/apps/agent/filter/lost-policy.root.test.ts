// A daemon that lost its store knows of no policies: nodes must not take that for "there are none".
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import { startNode, type TestNode } from "../../../../test/support/node.ts";

const API = "http://127.0.0.1:9600";
let node: TestNode;
type Pod = { readonly netns: string; readonly ips: readonly string[] };

before(async () => {
  node = await startNode();
});
after(() => node?.close());

async function ask(method: string, path: string, body?: unknown): Promise<void> {
  const data = body === undefined ? [] : ["-H", "content-type: application/json", "-d", JSON.stringify(body)];
  const { code, stderr } = await node.run(["curl", "-sSf", "-X", method, ...data, API + path], node.netns);
  assert.equal(code, 0, stderr);
}
async function add(segment: string): Promise<Pod> {
  const netns = node.pod(segment);
  const args = `ROMANA_TENANT=shop;ROMANA_SEGMENT=${segment}`;
  const { code, json } = await node.cni("ADD", { id: segment, netns, args });
  assert.equal(code, 0, JSON.stringify(json));
  return { netns, ips: (json?.ips ?? []).map(({ address }) => address.replace(/\/.*/, "")) };
}
async function reaches(from: Pod, { ips }: Pod): Promise<boolean> {
  const pings = ips.map((ip) => node.run(["ping", "-n", "-c1", "-W0.3", ip], from.netns));
  return (await Promise.all(pings)).some(({ code }) => code === 0);
}
const guard = {
  id: "db",
  applied_to: [{ tenant_id: "shop", segment_id: "db" }],
  ingress: [{ peers: [{ tenant_id: "shop", segment_id: "web" }], rules: [{ protocol: "any" }] }],
};
const LOST = { state: "ready", waiting_for: [], policies: "lost" };

test("what was denied stays denied when the store is lost, until all policies are told anew", async () => {
  const [web, other, db] = [await add("web"), await add("other"), await add("db")];
  await ask("POST", "/policies", guard);
  await eventually(async () => assert.ok(!(await reaches(other, db))), { within: 5000 });
  const isClosed = async (): Promise<void> => assert.ok(!(await reaches(other, db)), "open");
  await node.stopDaemon("SIGKILL");
  await node.startDaemon("--adoption-window", "1s", "--initial-topology", `${node.bed.dir}/topology.json`);
  await eventually(
    async () => {
      await isClosed();
      assert.deepEqual(await node.get("/ipam/adopt"), LOST);
    },
    { within: 20_000 },
  );
  for (let i = 0; i < 3; i++) await isClosed();

  await node.stopAgent("SIGKILL");
  const starting = node.startAgent();
  await eventually(
    async () => {
      await isClosed();
      const { json } = await node.cni("STATUS", { id: "", config: { cniVersion: "1.1.0" } });
      assert.equal(json?.details, "filter: waiting for the daemon to tell of policies");
    },
    { within: 20_000 },
  );

  await ask("POST", "/policies", guard);
  await ask("POST", "/policies/kubernetes", { complete: true });
  await starting;
  await isClosed();
  assert.ok(await reaches(web, db));
  await ask("DELETE", "/policies/db");
  await eventually(async () => assert.ok(await reaches(other, db)), { within: 5000 });
});
