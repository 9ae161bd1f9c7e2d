import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ACCESS } from "../access/access-table.ts";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import type { AddressReply, BlockList, HostReply } from "../../../core/api/types.ts";

const running = await startDaemon();
const { call, app } = running;
after(() => running.close());
await call("POST /topology", twoRacks);
await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
await call("POST /hosts", { name: "h2", ips: ["192.168.0.2", "fd01::2"], tags: { rack: "b" } });
await call("POST /hosts", { name: "lost", ip: "192.168.0.9", tags: { rack: "z" } });
const web = await call("POST /address", { name: "web", host: "h1", tenant: "shop", segment: "front" });

test("an allocation gives one address of each family out of the group's prefixes", () => {
  const { id, ip, ips, blocks, networks } = web.body as unknown as AddressReply;
  assert.deepEqual([web.status, id, ip], [200, "web", "10.0.0.0"]);
  assert.deepEqual(
    [ips, blocks],
    [
      ["10.0.0.0", "fd00::"],
      ["10.0.0.0/29", "fd00::/125"],
    ],
  );
  assert.deepEqual(networks, ["v4", "v6"]);
});

test("the same allocation again gives the same address, the same number", async () => {
  const again = await call("POST /address", { name: "web", host: "h1", tenant: "shop", segment: "front" });
  assert.deepEqual(again, web);
});

test("of many that ask for one name at once, one tenant gets it", async () => {
  const tenants = Array.from({ length: 20 }, (_, i) => `t${i % 2}`);
  const replies = await Promise.all(
    tenants.map((tenant) => call("POST /address", { name: "race", host: "h1", tenant })),
  );
  const [given, refused] = [200, 409].map((status) => replies.filter((reply) => reply.status === status));
  assert.deepEqual([given?.length, refused?.length], [10, 10]);
  assert.equal(new Set(given?.map(({ body }) => body["ip"])).size, 1);
});

test("many at once get as many addresses", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `many-${i}`);
  const replies = await Promise.all(
    names.map((name) => call("POST /address", { name, host: "h2", tenant: "t" })),
  );
  assert.equal(new Set(replies.map(({ body }) => body["ip"])).size, 100);
  const { blocks } = (await call("GET /networks/v4/blocks")).body as unknown as BlockList;
  assert.equal(
    blocks.filter(({ host }) => host === "h2").reduce((sum, each) => sum + each.allocated_ip_count, 0),
    100,
  );
});

test("R3: host, network, block, tenant and segment lists have the keys of the contract", async () => {
  const keysOf = async (route: string, list?: string): Promise<string[]> => {
    const { body } = await call(route);
    const all = list === undefined ? body : body[list];
    return Object.keys((all as Record<string, unknown>[])[0] ?? {}).sort();
  };
  assert.deepEqual(await keysOf("GET /hosts", "hosts"), [
    "agent_port",
    "groups",
    "ip",
    "ips",
    "k8s_info",
    "name",
    "tags",
  ]);
  const network = [
    "allocated_ip_count",
    "block_mask",
    "blocks",
    "cidr",
    "drained",
    "id",
    "name",
    "revision",
    "tenants",
  ];
  assert.deepEqual(await keysOf("GET /networks"), network);
  const block = ["allocated_ip_count", "cidr", "group", "host", "network", "revision", "segment", "tenant"];
  assert.deepEqual(await keysOf("GET /blocks", "blocks"), block);
  assert.deepEqual(await keysOf("GET /tenants", "tenants"), [
    "allocated_ip_count",
    "blocks",
    "id",
    "segments",
  ]);
  assert.deepEqual(await keysOf("GET /tenants/shop/segments", "segments"), [
    "allocated_ip_count",
    "blocks",
    "id",
  ]);
});

test("addresses are listed by host, tenant and segment", async () => {
  const ids = async (query: string): Promise<unknown[]> =>
    ((await call(`GET /addresses?${query}`)).body["addresses"] as AddressReply[]).map(({ id }) => id);
  assert.deepEqual(await ids("tenant=shop"), ["web"]);
  assert.deepEqual(await ids("tenant=shop&segment=back"), []);
  assert.equal((await ids("host=h2")).length, 100);
});

test("a host that comes again with the same is no change; with other tags it keeps its group", async () => {
  const before = (await call("GET /hosts")).body["revision"];
  await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
  assert.equal((await call("GET /hosts")).body["revision"], before);
  const moved = (await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "b" } })).body;
  assert.deepEqual((moved as unknown as HostReply).groups, ["rack-a"]);
});

test("the same topology again changes nothing", async () => {
  const before = (await call("GET /topology")).body;
  assert.equal(before["revision"], (await call("POST /topology", twoRacks)).body["revision"]);
  assert.deepEqual((await call("GET /topology")).body, before);
});

test("a topology that grows keeps every prefix", async () => {
  const [tree] = twoRacks.topologies;
  const grown = {
    ...twoRacks,
    topologies: [{ ...tree, map: [...(tree?.map ?? []), { name: "rack-c", groups: [] }] }],
  };
  const reply = await call("POST /topology", grown);
  // Two children fill the network: a third has no room.
  assert.equal(reply.status, 400);
});

test("a removed host's addresses rest, and its removal is an event", async () => {
  await call("POST /hosts", { name: "h3", ip: "192.168.0.3", tags: { rack: "b" } });
  const pods = Array.from({ length: 60 }, (_, i) => `gone-${i}`);
  await Promise.all(pods.map((name) => call("POST /address", { name, host: "h3", tenant: "t" })));
  assert.equal((await call("DELETE /hosts/h3")).status, 200);
  assert.deepEqual((await call("GET /addresses?host=h3")).body["addresses"], []);
  assert.equal((await call("POST /address", { name: "late", host: "h3", tenant: "t" })).status, 404);
});

test("a blackout is reserved, listed and opened again; who is inside keeps the address", async () => {
  const cidr = "10.0.0.0/30";
  const reply = await call("POST /blackouts", { cidr, reason: "routers" });
  assert.deepEqual([reply.status, reply.body], [200, { cidr, reason: "routers", in_use: ["web"] }]);
  const listed = (await call("GET /blackouts")).body["blackouts"];
  assert.deepEqual(listed, [{ cidr, reason: "routers" }]);
  const wanted = { name: "x", host: "h1", tenant: "shop", segment: "front", ips: ["10.0.0.1"] };
  assert.equal((await call("POST /address", wanted)).body["code"], "IP_RESERVED");
  assert.equal((await call(`DELETE /blackouts?cidr=${cidr}`)).status, 200);
  assert.equal((await call("POST /address", wanted)).body["ip"], "10.0.0.1");
});

test("the OpenAPI document lists every route", async () => {
  const { body } = await call("GET /openapi.json");
  assert.equal(body["openapi"], "3.1.0");
  const paths = body["paths"] as Record<string, Record<string, { summary?: string; responses?: object }>>;
  const listed = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = [...ACCESS.keys()]
    .filter((route) => route !== "GET /openapi.json")
    .map((route) => route.replaceAll(/:(\w+)/g, "{$1}"));
  assert.deepEqual(listed.sort(), routes.sort());
  for (const methods of Object.values(paths))
    for (const operation of Object.values(methods)) assert.ok(operation.summary && operation.responses);
});

test("health, readiness and metrics answer", async () => {
  assert.deepEqual((await call("GET /healthz")).status, 200);
  assert.deepEqual((await call("GET /readyz")).body["ok"], true);
  const { body } = await app.inject({ method: "GET", url: "/metrics" });
  assert.match(body, /^romana_daemon_allocations_total\{kind="allocate",outcome="allocated"\} \d+$/m);
});
