// Why a packet passes or not, from the records alone.
import assert from "node:assert/strict";
import { before, after, test } from "node:test";
import { type Call, startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import type { ExplainReply } from "../../../core/api/explain.ts";

const running = await startDaemon();
const call: Call = running.call;
after(() => running.close());
before(async () => {
  await call("POST /topology", twoRacks);
  for (const [i, name] of ["h1", "h2"].entries())
    await call("POST /hosts", { name, ips: [`192.168.0.${i + 1}`, `fd01::${i + 1}`], tags: { rack: "a" } });
  const pod = (name: string, host: string, segment: string) =>
    call("POST /address", { name, host, tenant: "shop", segment });
  await pod("web", "h1", "web");
  await pod("db", "h2", "db");
  await pod("odd", "h1", "odd");
  await call("POST /policies", [
    {
      ...{ id: "a-db", description: "from web", applied_to: [{ tenant_id: "shop", segment_id: "db" }] },
      ingress: [
        { peers: [{ cidr: "203.0.113.0/24" }], rules: [{ protocol: "any" }] },
        { peers: [{ tenant_id: "shop", segment_id: "web" }], rules: [{ protocol: "tcp", ports: [5432] }] },
      ],
    },
    { id: "b-db", applied_to: [{ tenant_id: "shop", segment_id: "db" }] },
    { id: "odd", direction: "egress", applied_to: [{ tenant_id: "shop", segment_id: "odd" }] },
  ]);
});
const explain = async (query: string) => {
  const { status, body } = await call(`GET /explain?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body as unknown as ExplainReply;
};
const db = (description = "from web") => ({ id: "a-db", description });

test("one that a rule allows names policy, rule and what it allows", async () => {
  const { allowed, packet, ingress, egress } = await explain("from=web&to=db&port=5432");
  assert.deepEqual([allowed, packet, egress], [true, "tcp 5432", { kind: "open", policies: [] }]);
  const allows = "tcp 5432 with pods of shop with romana.io/segment=web";
  assert.deepEqual(ingress, { kind: "allowed", policies: [db()], rule: 1, allows });
});

test("one that no rule allows names all that select the end", async () => {
  const { allowed, ingress } = await explain("from=web&to=db&port=5433");
  assert.equal(allowed, false);
  assert.deepEqual(ingress, { kind: "denied", policies: [db(), { id: "b-db", description: "" }] });
});

test("each end is told by itself", async () => {
  const { allowed, egress, ingress } = await explain("from=odd&to=db&port=5432&protocol=udp");
  assert.deepEqual([allowed, egress.kind, ingress.kind], [false, "denied", "denied"]);
  const outside = await explain("from=odd&to=203.0.113.9");
  assert.deepEqual([outside.packet, outside.egress.kind, outside.ingress.kind], ["icmp", "denied", "open"]);
  assert.equal((await explain("from=h2&to=db&port=22")).ingress.why, "a host always reaches its own pods");
});

test("the way is by the block of the other host, to the router where nobody has it, and on one host straight to the pod", async () => {
  const { hops, to } = await explain("from=web&to=db");
  const ip = "10.0.0.8";
  assert.deepEqual(to, { ip, kind: "pod", pod: "db", host: "h2" });
  assert.deepEqual(hops, [
    { at: "h1", to: "host", next: "h2", ip: "192.168.0.2", prefix: "10.0.0.8/29" },
    { at: "h2", to: "pod", ip },
  ]);
  assert.deepEqual(
    (await explain("from=web&to=odd")).hops.map(({ at, to: where }) => [at, where]),
    [["h1", "pod"]],
  );
  assert.deepEqual((await explain("from=web&to=192.0.2.1")).hops, [{ at: "h1", to: "router" }]);
  assert.deepEqual((await explain("from=web&to=fd01::2")).hops, [
    { at: "h1", to: "host", next: "h2", ip: "fd01::2" },
  ]);
});

test("IPv6 ends are compared with each other, and named ones by the family that both have", async () => {
  const { from, to, packet } = await explain("from=2001:db8::1&to=db");
  assert.deepEqual([from.kind, to.kind, packet], ["outside", "pod", "icmpv6"]);
  assert.match(to.ip, /^fd00::/);
});

const refused: [string, string, number, RegExp][] = [
  ["an end that is nobody", "from=nobody&to=db", 404, /end: "nobody"/],
  [
    "ends without a family in common",
    "from=192.0.2.1&to=fd00::1",
    422,
    /query\.to: "fd00::1": expected .*IPv4/,
  ],
  [
    "port 0",
    "from=web&to=db&port=0",
    400,
    /query\.port: "0": expected a port, a whole number from 1 to 65535/,
  ],
  ["port 65536", "from=web&to=db&port=65536", 400, /query\.port: "65536"/],
  ["tcp without a port", "from=web&to=db&protocol=tcp", 400, /query\.port/],
  [
    "icmp with a port",
    "from=web&to=db&protocol=icmp&port=1",
    400,
    /query\.port: "1": expected none with icmp/,
  ],
  ["a protocol that is none", "from=web&to=db&protocol=gre", 400, /protocol: "gre"/],
];
for (const [name, query, status, expected] of refused)
  test(`${name} is refused`, async () => {
    const reply = await call(`GET /explain?${query}`);
    assert.equal(reply.status, status);
    assert.match(String(reply.body["details"]), expected);
  });

test("a pod whose labels nobody has told yet cannot be judged", async () => {
  await call("POST /tenants", { put: [{ id: "shop" }] });
  await call("POST /address", { name: "k8s/x", host: "h1", tenant: "shop", pod: "shop/new" });
  const { status, body } = await call("GET /explain?from=web&to=shop/new");
  assert.deepEqual([status, body["code"], body["resource_id"]], [409, "POD_AWAITED", "shop/new"]);
  await call("POST /pods", { put: [{ id: "shop/new", host: "h1", labels: { "romana.io/segment": "db" } }] });
  assert.equal((await explain("from=web&to=shop/new&port=1")).ingress.kind, "denied");
});
