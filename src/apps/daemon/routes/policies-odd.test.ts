// What people post by mistake or with intent: refused with the place, the value and what was expected, or taken for what it says.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";
import type { ExplainReply } from "../../../core/api/explain.ts";

const running = await startDaemon();
const { call } = running;
after(() => running.close());
before(async () => {
  await call("POST /topology", twoRacks);
  await call("POST /hosts", { name: "h1", ips: ["192.168.0.1"], tags: { rack: "a" } });
  for (const name of ["web", "db"])
    await call("POST /address", { name, host: "h1", tenant: "shop", segment: name });
});

const tcp = (more: object) => [{ protocol: "tcp", ...more }];
const any = [{ peer: "any" }];
const policy = (peers: unknown, rules: unknown, more: object = {}) => ({
  ...{ id: "odd", applied_to: [{ tenant_id: "shop", segment_id: "db" }], ...more },
  ingress: [{ peers, rules }],
});

const refused: [what: string, body: unknown, expected: RegExp][] = [
  [
    "port 0",
    policy(any, tcp({ ports: [0] })),
    /ports\[0\]: 0: expected a port, a whole number from 1 to 65535/,
  ],
  ["port 65536", policy(any, tcp({ ports: [80, 65536] })), /ports\[1\]: 65536: expected a port/],
  ["a port in quotes", policy(any, tcp({ ports: ["80"] })), /ports\[0\]: "80": expected a port/],
  ["half a port", policy(any, tcp({ ports: [80.5] })), /ports\[0\]: 80\.5: expected a port/],
  ["a range that runs down", policy(any, tcp({ port_ranges: [[90, 80]] })), /port_ranges\[0\].*\[90,80\]/],
  ["a name that no port can have", policy(any, tcp({ port_names: ["Web"] })), /port_names\[0\]: "Web"/],
  ["an unknown protocol", policy(any, [{ protocol: "gre" }]), /rules\[0\]\.protocol: "gre": expected /],
  ["ports of a protocol without", policy(any, [{ protocol: "icmp", ports: [1] }]), /rules\[0\]\.ports/],
  ["an ICMP type above all", policy(any, [{ protocol: "icmp", icmp_type: 256 }]), /icmp_type: 256/],
  [
    "an exception outside of its prefix",
    policy([{ cidr: "10.0.0.0/8", except: ["11.0.0.0/8"] }], tcp({})),
    /except\[0\]: "11\.0\.0\.0\/8"/,
  ],
  ["a prefix with host bits", policy([{ cidr: "10.0.0.1/8" }], tcp({})), /cidr: "10\.0\.0\.1\/8"/],
  ["no peers", policy([], tcp({})), /peers: \[\]: expected a list of peers/],
  ["no rules", policy(any, []), /rules: \[\]: expected a list of rules/],
  [
    "nobody to isolate",
    policy(any, tcp({}), { applied_to: [] }),
    /applied_to: \[\]: expected a list of targets/,
  ],
  [
    "an operator that is none",
    policy(
      [
        {
          tenant_id: "shop",
          pod_selector: { matchExpressions: [{ key: "a", operator: "Gt", values: ["1"] }] },
        },
      ],
      tcp({}),
    ),
    /operator: "Gt": expected In, NotIn/,
  ],
  [
    "a field of a later version",
    { ...policy(any, tcp({})), tier: "admin" },
    /tier: "admin": expected one of/,
  ],
  ["a number", 5, /document: 5: expected a policy/],
  ["nothing", [], /document: \[\]: expected policies, at least one/],
  [
    "one id twice",
    [policy(any, tcp({})), policy(any, tcp({}))],
    /\[1\]\.id: "odd": expected an id that no other/,
  ],
];
for (const [what, body, expected] of refused)
  test(`${what} is refused`, async () => {
    const reply = await call("POST /policies", body);
    assert.equal(reply.status, 400);
    assert.match(String(reply.body["details"]), expected);
    assert.equal((await call("GET /policies/odd")).status, 404);
  });

test("a thousand peers with a thousand labels each are more than a request may hold, and said to be", async () => {
  const labels = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`label-${i}`, "v"]));
  const peers = Array.from({ length: 1000 }, () => ({
    tenant_id: "shop",
    pod_selector: { matchLabels: labels },
  }));
  const { status, body } = await call("POST /policies", policy(peers, tcp({})));
  assert.deepEqual([status, body["code"]], [413, "BODY_TOO_LARGE"]);
});

test("a thousand peers with a hundred labels each are taken", async () => {
  const labels = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`label-${i}`, "v"]));
  const peers = Array.from({ length: 1000 }, (_, i) => ({
    tenant_id: `t${i}`,
    pod_selector: { matchLabels: labels },
  }));
  assert.equal((await call("POST /policies", policy(peers, tcp({ ports: [1] })))).status, 200);
});

const passes = async (query: string): Promise<boolean> => {
  const { status, body } = await call(`GET /explain?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return (body as unknown as ExplainReply).allowed;
};
const taken: [what: string, body: object, yes: string[], no: string[]][] = [
  [
    "a selector of everything is every pod, and no host",
    policy([{ namespace_selector: {} }], tcp({})),
    ["from=web&to=db&port=1"],
    ["from=192.0.2.1&to=db&port=1"],
  ],
  [
    "all addresses but some",
    policy([{ cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] }], tcp({})),
    ["from=192.0.2.1&to=db&port=1"],
    ["from=web&to=db&port=1"],
  ],
  [
    "ranges that overlap are one",
    policy(
      any,
      tcp({
        port_ranges: [
          [80, 90],
          [85, 100],
        ],
        ports: [88],
      }),
    ),
    ["from=web&to=db&port=80", "from=web&to=db&port=100"],
    ["from=web&to=db&port=101"],
  ],
  [
    "the name of a port that no pod has allows nothing",
    policy(any, tcp({ port_names: ["sql"] })),
    [],
    ["from=web&to=db&port=5432"],
  ],
  ["tcp allows no echo request", policy(any, tcp({})), ["from=web&to=db&port=65535"], ["from=web&to=db"]],
];
for (const [what, body, yes, no] of taken)
  test(what, async () => {
    assert.equal((await call("POST /policies", body)).status, 200);
    for (const query of yes) assert.equal(await passes(query), true, query);
    for (const query of no) assert.equal(await passes(query), false, query);
  });

test("two pods with one name for different ports are allowed each its own; a removed policy is none at once", async () => {
  const named = (id: string, port: number) => ({
    ...{ id, host: "h1", labels: { app: "sql" } },
    ports: [{ name: "sql", protocol: "tcp", port }],
  });
  await call("POST /tenants", { put: [{ id: "bank" }] });
  for (const [i, id] of ["bank/a", "bank/b"].entries()) {
    await call("POST /address", { name: `k8s/${i}`, host: "h1", tenant: "bank", pod: id });
    await call("POST /pods", { put: [named(id, 5432 + i)] });
  }
  const object = {
    metadata: { namespace: "bank", name: "sql" },
    spec: { podSelector: {}, ingress: [{ ports: [{ port: "sql" }, { port: 90, endPort: 80 }] }] },
  };
  const { body } = await call("POST /policies/kubernetes", { put: [object] });
  assert.deepEqual(body["faults"], [
    {
      ...{ object: "bank/sql", code: "END_PORT", field: "spec.ingress[0].ports[1].endPort" },
      expected: "no less than port",
    },
  ]);
  for (const [query, allowed] of [
    ["to=bank/a&port=5432", true],
    ["to=bank/a&port=5433", false],
    ["to=bank/b&port=5433", true],
    ["to=bank/b&port=85", false],
  ] as const)
    assert.equal(await passes(`from=web&${query}`), allowed, query);
  await call("POST /policies/kubernetes", { delete: ["bank/sql"] });
  assert.equal(await passes("from=web&to=bank/b&port=85"), true);
});
