// What a node is told of the policies adds up to its share, however its stream was cut and whenever policies came.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { seededRng } from "../../../base/clock.ts";
import type { WatchLine } from "../../../core/api/types.ts";
import { createMirror } from "../../../core/desired/mirror.ts";
import { createPolicyIndex } from "../../../core/policy/policy-index.ts";
import { RecordedWorld } from "./recorded-world.ts";

const HOSTS = ["h1", "h2", "h3"];
type Running = Awaited<ReturnType<typeof startDaemon>>;

async function start(t: TestContext): Promise<Running> {
  const running = await startDaemon();
  t.after(() => running.close());
  await running.call("POST /topology", twoRacks);
  for (const [i, name] of HOSTS.entries())
    await running.call("POST /hosts", { name, ip: `192.168.0.${i + 1}`, tags: { rack: "a" } });
  return running;
}

/** A node's side: what it was told, line by line, and its mirror. */
function follow({ daemon }: Running, host: string, mirror = createMirror()) {
  const told: WatchLine[] = [];
  const write = (chunk: string | Buffer): void => {
    for (const text of chunk.toString().split("\n").filter(Boolean)) {
      const line = JSON.parse(text) as WatchLine;
      told.push(line);
      mirror.apply(line);
    }
  };
  const seen = mirror.seen && { since: mirror.seen.revision, cluster: mirror.seen.cluster };
  const leave = daemon.hub.subscribe(
    { ...seen, scope: { host, subnets: [] }, policy: host },
    { write, pending: () => 0, end: () => undefined },
  );
  return { mirror, told, leave };
}

/** From nothing but the records. */
function shareOf({ daemon: { mirror } }: Running, host: string) {
  if (mirror.state.policies.size === 0) return "none";
  const index = createPolicyIndex();
  index.apply(new RecordedWorld().whole(mirror.state));
  return index.nodePolicy(host);
}

const policy = (id: string, more: object = {}) => ({
  id,
  applied_to: [{ tenant_id: "shop", segment_id: "db" }],
  ingress: [{ peers: [{ tenant_id: "shop", segment_id: "web" }], rules: [{ protocol: "tcp", ports: [80] }] }],
  ...more,
});

test("without policies a node is told that there are none; the first one tells each its share, the last that goes, none", async (t) => {
  const running = await start(t);
  const { call } = running;
  await call("POST /address", { name: "db-1", host: "h1", tenant: "shop", segment: "db" });
  await call("POST /address", { name: "web-1", host: "h2", tenant: "shop", segment: "web" });
  const [one, two] = [follow(running, "h1"), follow(running, "h2")];
  assert.equal(one.mirror.policy, "none");
  await call("POST /policies", policy("db"));
  await eventually(() => assert.notEqual(one.mirror.policy, "none"));
  for (const [host, { mirror }] of [
    ["h1", one],
    ["h2", two],
  ] as const)
    await eventually(() => assert.deepEqual(mirror.policy, shareOf(running, host)));
  const shares = [one, two].map(({ mirror }) =>
    typeof mirror.policy === "object" ? mirror.policy : assert.fail(),
  );
  assert.deepEqual(
    shares.map(({ pods, sets }) => [[...pods.keys()], sets.size]),
    [
      [["db-1"], 1],
      [["web-1"], 0],
    ],
  );
  await call("DELETE /policies/db");
  for (const { mirror } of [one, two]) await eventually(() => assert.equal(mirror.policy, "none"));
});

test("a pod that comes is told to its node, and to nodes that have its set; it says nothing to others", async (t) => {
  const running = await start(t);
  const { call } = running;
  await call("POST /policies", policy("db"));
  await call("POST /address", { name: "db-1", host: "h1", tenant: "shop", segment: "db" });
  const nodes = HOSTS.map((host) => follow(running, host));
  const isKnown = (): void => nodes.forEach(({ mirror }) => assert.equal(typeof mirror.policy, "object"));
  await eventually(isKnown);
  for (const { told } of nodes) told.length = 0;
  await call("POST /address", { name: "web-1", host: "h2", tenant: "shop", segment: "web" });
  await eventually(() =>
    assert.ok(nodes.slice(0, 2).every(({ told }) => told.some(({ type }) => type === "policy-change"))),
  );
  const types = nodes.map(({ told }) =>
    told.filter(({ type }) => type.startsWith("policy")).map(({ type }) => type),
  );
  assert.deepEqual(types, [["policy-change"], ["policy-change"], []]);
  for (const [i, host] of HOSTS.entries()) assert.deepEqual(nodes[i]?.mirror.policy, shareOf(running, host));
});

test("after any changes, with streams that were cut, every node has its share", async (t) => {
  const running = await start(t);
  const { call } = running;
  for (const seed of [1, 2, 3]) {
    const rng = seededRng(seed);
    const pick = <T>(...list: readonly T[]): T => list[Math.floor(rng() * list.length)] ?? assert.fail();
    const nodes = new Map(HOSTS.map((host) => [host, follow(running, host)]));
    for (let i = 0; i < 150; i++) {
      const name = `p${Math.floor(rng() * 12)}`;
      const id = pick("a", "b", "c");
      const change = pick("address", "address", "address", "release", "policy", "no policy", "cut");
      if (change === "address")
        await call("POST /address", {
          name,
          host: pick(...HOSTS),
          tenant: pick("shop", "bank"),
          segment: pick("db", "web", ""),
        });
      if (change === "release") await call(`DELETE /address?addressName=${name}`);
      if (change === "no policy") await call(`DELETE /policies/${id}`);
      if (change === "policy")
        await call(
          "POST /policies",
          policy(
            id,
            pick({}, { direction: "egress" }, { applied_to: [{ tenant_id: "bank" }, { dest: "host" }] }),
          ),
        );
      const host = pick(...HOSTS);
      const node = nodes.get(host) ?? assert.fail();
      if (change !== "cut") continue;
      node.leave();
      nodes.set(host, follow(running, host, node.mirror));
    }
    for (const [host, { mirror, leave }] of nodes) {
      await eventually(() => assert.deepEqual(mirror.policy, shareOf(running, host)), { within: 10_000 });
      leave();
    }
  }
});
