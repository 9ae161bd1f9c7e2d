import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDaemon, twoRacks } from "../../../../test/support/daemon.ts";

const running = await startDaemon();
const { call } = running;
after(() => running.close());
await call("POST /topology", twoRacks);
await call("POST /hosts", { name: "h1", ip: "192.168.0.1", tags: { rack: "a" } });
await call("POST /hosts", { name: "h2", ip: "192.168.0.2", tags: { rack: "b" } });
await call("POST /hosts", { name: "lost", ip: "192.168.0.9", tags: { rack: "z" } });
await call("POST /address", { name: "web", host: "h1", tenant: "shop", segment: "front" });
await call("POST /reservations", { cidr: "10.0.90.9", holder: "shop/web-0" });

const deep = (depth: number): string => `${'{"groups":['.repeat(depth)}${"]}".repeat(depth)}`;
const topologyOf = (map: string): string =>
  `{"networks":[{"name":"n","cidr":"10.9.0.0/16"}],"topologies":[{"networks":["n"],"map":[${map}]}]}`;

/** What is asked, with what, and the status and code it is answered with. */
const refusals: [string, string, unknown, number, string][] = [
  ["an unknown route", "GET /nothing", undefined, 404, "ROUTE_UNKNOWN"],
  ["a wrong method", "PUT /hosts", undefined, 404, "ROUTE_UNKNOWN"],
  ["a URL that is no UTF-8", "GET /hosts/%ff", undefined, 400, "URL"],
  ["no JSON", "POST /hosts", "{name", 400, "JSON"],
  ["an empty body", "POST /hosts", "", 400, "JSON"],
  ["a body in invalid UTF-8", "POST /hosts", Buffer.from('{"name":"h\xff"}', "latin1"), 400, "UTF8"],
  ["a body that poisons prototypes", "POST /hosts", '{"name":"h","__proto__":{"ip":"1.1.1.1"}}', 400, "JSON"],
  ["a body of 50 MB", "POST /hosts", Buffer.alloc(50_000_000, "a"), 413, "BODY_TOO_LARGE"],
  ["a body that is no object", "POST /hosts", [], 400, "SCHEMA"],
  ["a host without a name", "POST /hosts", { ip: "192.168.0.3" }, 400, "SCHEMA"],
  ["a host name with NUL", "POST /hosts", { name: "h\0", ip: "192.168.0.3" }, 400, "SCHEMA"],
  ["a host named as the way up", "POST /hosts", { name: "..", ip: "192.168.0.3" }, 400, "SCHEMA"],
  ["a host named as the place itself", "POST /hosts", { name: ".", ip: "192.168.0.3" }, 400, "SCHEMA"],
  ["a limit of a tenant named as the way up", "POST /limits", { tenant: "..", addresses: 1 }, 400, "SCHEMA"],
  ["a host name with a newline", "POST /hosts", { name: "h\n", ip: "192.168.0.3" }, 400, "SCHEMA"],
  ["a host name of half a character", "POST /hosts", '{"name":"\\ud800","ip":"192.168.0.3"}', 400, "SCHEMA"],
  ["a host name of 254 characters", "POST /hosts", { name: "h".repeat(254), ip: "1.1.1.1" }, 400, "SCHEMA"],
  ["a host without an address", "POST /hosts", { name: "h3" }, 400, "HOST_IP"],
  ["a host address that is none", "POST /hosts", { name: "h3", ip: "10.1" }, 400, "IP"],
  ["an IPv4-mapped host address", "POST /hosts", { name: "h3", ip: "::ffff:10.0.0.1" }, 400, "IP_MAPPED"],
  [
    "an IPv4-mapped wanted address",
    "POST /address",
    { name: "a", host: "h1", tenant: "t", ips: ["::ffff:10.0.0.1"] },
    400,
    "IP_MAPPED",
  ],
  [
    "a host with two addresses of a family",
    "POST /hosts",
    { name: "h3", ips: ["1.1.1.1", "1.1.1.2"] },
    400,
    "HOST_IPS",
  ],
  ["a host with another's address", "POST /hosts", { name: "h3", ip: "192.168.0.1" }, 409, "HOST_IP_TAKEN"],
  ["a tag that is no text", "POST /hosts", { name: "h3", ip: "1.1.1.1", tags: { rack: 1 } }, 400, "SCHEMA"],
  ["an unknown host", "GET /hosts/h9", undefined, 404, "HOST_UNKNOWN"],
  ["removal of an unknown host", "DELETE /hosts/h9", undefined, 404, "HOST_UNKNOWN"],
  [
    "an allocation for an unknown host",
    "POST /address",
    { name: "a", host: "h9", tenant: "t" },
    404,
    "HOST_UNKNOWN",
  ],
  [
    "an allocation for a host in no group",
    "POST /address",
    { name: "a", host: "lost", tenant: "t" },
    422,
    "HOST_IN_NO_GROUP",
  ],
  ["an allocation without a tenant", "POST /address", { name: "a", host: "h1" }, 400, "SCHEMA"],
  [
    "an allocation of a name with a control character",
    "POST /address",
    { name: "a\x07", host: "h1", tenant: "t" },
    400,
    "SCHEMA",
  ],
  [
    "an address that is none",
    "POST /address",
    { name: "a", host: "h1", tenant: "t", ips: ["::g"] },
    400,
    "IP",
  ],
  [
    "an address of another group",
    "POST /address",
    { name: "a", host: "h1", tenant: "t", ips: ["10.0.200.1"] },
    422,
    "IP_OUTSIDE",
  ],
  [
    "an address in another tenant's block",
    "POST /address",
    { name: "a", host: "h1", tenant: "t", ips: ["10.0.0.1"] },
    409,
    "IP_TAKEN",
  ],
  [
    "a name that another tenant holds",
    "POST /address",
    { name: "web", host: "h1", tenant: "t" },
    409,
    "NAME_TAKEN",
  ],
  [
    "a name that is alive on another host",
    "POST /address",
    { name: "web", host: "h2", tenant: "shop", segment: "front" },
    409,
    "NAME_TAKEN",
  ],
  ["a release without a name", "DELETE /address", undefined, 400, "SCHEMA"],
  ["a release of an unknown name", "DELETE /address?addressName=nobody", undefined, 404, "ADDRESS_UNKNOWN"],
  ["a release of a free address", "DELETE /address?addressName=10.0.0.7", undefined, 404, "ADDRESS_UNKNOWN"],
  [
    "a release with a sequence that is no number",
    "DELETE /address?addressName=web&sequence=1e3",
    undefined,
    400,
    "SCHEMA",
  ],
  ["a late release", "DELETE /address?addressName=web&sequence=1", undefined, 409, "RELEASE_STALE"],
  ["a release by another host", "DELETE /address?addressName=web&host=h2", undefined, 409, "RELEASE_FOREIGN"],
  ["blocks of an unknown network", "GET /networks/nothing/blocks", undefined, 404, "NETWORK_UNKNOWN"],
  ["segments of an unknown tenant", "GET /tenants/nobody/segments", undefined, 404, "TENANT_UNKNOWN"],
  [
    "a report with a name given twice",
    "POST /hosts/h1/report",
    { endpoints: [endpoint("x"), endpoint("x")] },
    400,
    "NAME_REPEATED",
  ],
  ["a report without endpoints", "POST /hosts/h1/report", {}, 400, "SCHEMA"],
  ["a blackout with host bits", "POST /blackouts", { cidr: "10.0.0.1/24" }, 400, "CIDR_HOST_BITS"],
  ["a blackout without a range", "POST /blackouts", { reason: "x" }, 400, "SCHEMA"],
  ["an unknown blackout", "DELETE /blackouts?cidr=10.9.0.0/24", undefined, 404, "BLACKOUT_UNKNOWN"],
  ["a reservation with host bits", "POST /reservations", { cidr: "10.0.0.1/24" }, 400, "CIDR_HOST_BITS"],
  [
    "a reservation of a range for one holder",
    "POST /reservations",
    { cidr: "10.0.0.0/24", holder: "shop/web-0" },
    400,
    "RESERVATION_HOLDER",
  ],
  [
    "a reservation for a holder in no network",
    "POST /reservations",
    { cidr: "10.9.0.1", holder: "shop/web-0" },
    422,
    "RESERVATION_OUTSIDE",
  ],
  ["an unknown reservation", "DELETE /reservations?cidr=10.9.0.1", undefined, 404, "RESERVATION_UNKNOWN"],
  [
    "an address that is reserved for another",
    "POST /address",
    { name: "a", host: "h1", tenant: "t", ips: ["10.0.90.9"] },
    409,
    "IP_KEPT",
  ],
  [
    "a holder on a host of another group than its address's",
    "POST /address",
    { name: "c1", host: "h2", tenant: "t", pod: "shop/web-0" },
    422,
    "KEPT_ELSEWHERE",
  ],
  ["a limit below nothing", "POST /limits", { tenant: "t", limit: -1 }, 400, "SCHEMA"],
  ["a limit that is no whole number", "POST /limits", { tenant: "t", limit: 1.5 }, 400, "SCHEMA"],
  ["a limit for nobody", "POST /limits", { limit: 1 }, 400, "SCHEMA"],
  [
    "a limit in an unknown network",
    "POST /limits",
    { tenant: "t", network: "x", limit: 1 },
    404,
    "NETWORK_UNKNOWN",
  ],
  ["an unknown limit", "DELETE /limits?tenant=t", undefined, 404, "LIMIT_UNKNOWN"],
  ["a watch since no number", "GET /watch?since=-1", undefined, 400, "SCHEMA"],
  [
    "a topology that conflicts with what is in use",
    "POST /topology",
    topologyOf('{"name":"g","groups":[]}'),
    409,
    "ADDRESS_IN_USE",
  ],
];
function endpoint(name: string) {
  return { name, ips: ["10.0.0.6"], tenant: "t", segment: "", sequence: 1 };
}
for (const [name, route, body, status, code] of refusals)
  test(`${name}: ${status} ${code}`, async () => {
    const reply = await call(route, body);
    assert.deepEqual([reply.status, reply.body["status_code"], reply.body["code"]], [status, status, code]);
    assert.ok(String(reply.body["details"]).length > 5);
    // R1: what it is about, where it is about something that there could be.
    if ([404, 409, 422].includes(status))
      for (const word of ["resource_id", "resource_type"]) assert.match(reply.body[word] as string, /./);
  });

test("an error names the resource by type and id", async () => {
  const { body } = await call("DELETE /hosts/h9");
  const fault = { code: "HOST_UNKNOWN", field: "host", expected: "a host that exists" };
  assert.deepEqual(body, {
    ...{ status_code: 404, code: "HOST_UNKNOWN", resource_id: "h9", resource_type: "host" },
    ...{ details: 'host: "h9": expected a host that exists', faults: [fault] },
  });
});

test("all that is wrong with a body is told at once, each with its field", async () => {
  const { body } = await call("POST /address", { name: "", host: 5, ips: ["1.1.1.1", "::1", "::2"] });
  assert.deepEqual((body["faults"] as { field: string }[]).map(({ field }) => field).sort(), [
    "body.host",
    "body.ips",
    "body.name",
    "body.name",
    "body.tenant",
  ]);
  const named =
    'body.name: "": expected a name of 1 to 512 characters without spaces and control characters, other than . and ..';
  assert.ok(String(body["details"]).includes(named), String(body["details"]));
  assert.match(String(body["details"]), /body\.host: 5: expected a name/);
  assert.match(String(body["details"]), /body\.ips: .*: expected at most one address of each family/);
});

const faultyTopologies: [string, unknown][] = [
  ["nothing", {}],
  ["an unknown network", { ...twoRacks, topologies: [{ networks: ["v5"], map: [] }] }],
  ["10,000 groups in each other", topologyOf(deep(10_000))],
  ["a name with NUL", topologyOf('{"name":"\\u0000","groups":[]}')],
  [
    "overlapping networks",
    { ...twoRacks, networks: [...twoRacks.networks, { name: "o", cidr: "10.0.0.0/8" }] },
  ],
];
for (const [name, document] of faultyTopologies)
  test(`a topology with ${name} is refused with its faults`, async () => {
    const reply = await call("POST /topology", document);
    assert.equal(reply.status, 400);
    assert.ok((reply.body["faults"] as unknown[]).length > 0);
  });
