import assert from "node:assert/strict";
import { test } from "node:test";
import { allGroups } from "./groups.ts";
import { parseTopology, parseToldTopology } from "./parse-topology.ts";
import { topologyDocument } from "./topology-document.ts";
import { document, faultsOf, firstTree, groups, net, six, valid } from "./testdata/documents.ts";

test("a list of hosts makes the group a leaf that lists them", () => {
  const hosts = [
    { name: "h1", ip: "192.168.0.1" },
    { name: "h2", ips: ["192.168.0.2", "FD00::0:2"], ip: "192.168.0.2" },
  ];
  const listed = [
    { name: "h1", ips: ["192.168.0.1"] },
    { name: "h2", ips: ["192.168.0.2", "fd00::2"] },
  ];
  assert.deepEqual(firstTree(valid(document(hosts))).root.hosts, listed);
  const rack = firstTree(valid(document([{ name: "rack", groups: hosts }]))).root.groups[0];
  assert.deepEqual(rack?.hosts, listed);
});

test("several networks and topologies; tenants; block_mask", () => {
  const { networks, trees } = valid({
    networks: [net, { ...six, block_mask: 120, tenants: ["blue", "red"] }],
    topologies: [
      { networks: ["net"], map: groups("a") },
      { networks: ["six"], map: groups("b") },
    ],
  });
  assert.deepEqual(
    networks.map(({ name, blockMask, tenants }) => ({ name, blockMask, tenants })),
    [
      { name: "net", blockMask: 29, tenants: [] },
      { name: "six", blockMask: 120, tenants: ["blue", "red"] },
    ],
  );
  assert.deepEqual(
    trees.map((tree) => [...tree.networks, ...tree.root.groups.map(({ path }) => path)]),
    [
      ["net", "a"],
      ["six", "b"],
    ],
  );
});

test("groups without a name are called by their place", () => {
  const map = [{ groups: [] }, { name: "b" }, { name: "", groups: [{ name: null }] }];
  const { root } = firstTree(valid(document(map)));
  assert.deepEqual(
    [...allGroups(root)].map(({ path }) => path),
    ["", "group-1", "b", "group-3", "group-3/group-1"],
  );
});

test("labels of a listed host are read over, as the original answered with them", () => {
  const listed = { name: "h", ip: "1.1.1.1", assignment: { "kubernetes.io/hostname": "h" } };
  assert.deepEqual(firstTree(valid(document([listed]))).root.hosts, [{ name: "h", ips: ["1.1.1.1"] }]);
});

test("routing is of the group that says it, and is answered as it was said", () => {
  const routing = { bgp: { as: 65_001, neighbours: [{ ip: "192.0.2.1", as: 65_000 }] } };
  const topology = valid(document([{ name: "a", routing }, { name: "b" }]));
  const [a, b] = firstTree(topology).root.groups;
  assert.deepEqual([a?.routing?.kind, b?.routing], ["bgp", undefined]);
  assert.deepEqual(topologyDocument(topology).topologies[0]?.map[0]?.routing, routing);
});

test("a daemon's answer with routing that is not understood is read all the same, and nothing else is forgiven", () => {
  const told = parseToldTopology(document([{ name: "a", routing: { later: true } }]));
  const [a] = told ? firstTree(told).root.groups : [];
  assert.deepEqual({ ...a, routing: undefined }, firstTree(valid(document(groups("a")))).root.groups[0]);
  assert.deepEqual(a?.routing, { kind: "unread" });
  assert.equal(parseToldTopology(document([{ name: "a", later: true }])), undefined);
});

test("names of groups may have blanks inside, as the original's own files do", () => {
  assert.deepEqual(faultsOf(document(groups("failure-domain: us-east-1a"))), []);
});

const deep = (levels: number): unknown => {
  let group: unknown = { name: "end", groups: [] };
  for (let i = 0; i < levels; i++) group = { name: "g", groups: [group] };
  return group;
};
const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};
const racks = (count: number) => groups(...Array.from({ length: count }, (_, i) => `r${i}`));
const host = (name: string, ip: string) => ({ name, ip });
const inMap = (element: unknown) => document([element]);
const inNetwork = (fields: object) => document(groups("a"), [{ ...net, ...fields }]);
const map0 = "topologies[0].map[0]";

/** Each row: what is wrong, the document, code and place of every fault. */
const wrong: readonly (readonly [string, unknown, ...string[]])[] = [
  ["a list for a document", [], "OBJECT document"],
  ["nothing", null, "OBJECT document"],
  ["no networks", { topologies: [] }, "LIST networks", "LIST topologies"],
  [
    "a network that is a text",
    document([], ["net"]),
    "OBJECT networks[0]",
    "NETWORK_UNKNOWN topologies[0].networks[0]",
  ],
  ["host bits", inNetwork({ cidr: "10.111.0.1/16" }), "CIDR_HOST_BITS networks[0].cidr"],
  ["a short address", inNetwork({ cidr: "10.1/16" }), "CIDR networks[0].cidr"],
  ["a number for a prefix", inNetwork({ cidr: 10 }), "CIDR networks[0].cidr"],
  ["IPv4-mapped IPv6", inNetwork({ cidr: "::ffff:10.0.0.0/104" }), "CIDR_MAPPED networks[0].cidr"],
  ["loopback", inNetwork({ cidr: "127.0.0.0/8" }), "CIDR_UNUSABLE networks[0].cidr"],
  ["everything", inNetwork({ cidr: "0.0.0.0/0" }), "CIDR_UNUSABLE networks[0].cidr"],
  ["link-local IPv6", inNetwork({ cidr: "fe80::/64" }), "CIDR_UNUSABLE networks[0].cidr"],
  ["a block larger than its network", inNetwork({ block_mask: 8 }), "BLOCK_MASK networks[0].block_mask"],
  ["a block of half an address", inNetwork({ block_mask: 33 }), "BLOCK_MASK networks[0].block_mask"],
  ["a block of millions", document([], [{ ...six, block_mask: 64 }]), "BLOCK_MASK networks[0].block_mask"],
  ["a text for a block mask", inNetwork({ block_mask: "29" }), "BLOCK_MASK networks[0].block_mask"],
  [
    "a prefix and a block mask that are both wrong",
    document(groups("a"), [{ name: "n", cidr: "fd00::1/48", block_mask: 129 }]),
    "CIDR_HOST_BITS networks[0].cidr",
    "BLOCK_MASK networks[0].block_mask",
  ],
  ["a tenant twice", inNetwork({ tenants: ["a", "a"] }), "DUPLICATE networks[0].tenants[1]"],
  ["a tenant for a list", inNetwork({ tenants: "a" }), "LIST networks[0].tenants"],
  [
    "a network named as objects' own",
    inNetwork({ name: "constructor" }),
    "NAME networks[0].name",
    "NETWORK_UNKNOWN topologies[0].networks[0]",
  ],
  [
    "a network named as the way up",
    inNetwork({ name: ".." }),
    "NAME networks[0].name",
    "NETWORK_UNKNOWN topologies[0].networks[0]",
  ],
  ["an unknown field of a network", inNetwork({ mask: 1 }), "FIELD_UNKNOWN networks[0].mask"],
  ["an unknown field of the document", { ...document([]), extra: 1 }, "FIELD_UNKNOWN extra"],
  [
    "overlapping networks",
    document([], [{ name: "b", cidr: "10.111.128.0/17" }, net, { name: "c", cidr: "10.111.0.0/24" }]),
    "NETWORK_OVERLAP networks[2].cidr",
    "NETWORK_OVERLAP networks[0].cidr",
  ],
  [
    "the same network twice",
    document([], [net, net]),
    "DUPLICATE networks[1].name",
    "NETWORK_OVERLAP networks[1].cidr",
    "DUPLICATE topologies[0].networks[1]",
  ],
  [
    "an unknown network",
    { networks: [net], topologies: [{ networks: ["nope"], map: [] }] },
    "NETWORK_UNKNOWN topologies[0].networks[0]",
  ],
  [
    "a network in two topologies",
    { networks: [net], topologies: [{ networks: ["net"] }, { networks: ["net"] }] },
    "DUPLICATE topologies[1].networks[0]",
  ],
  [
    "a topology without networks",
    { networks: [net], topologies: [{ networks: [] }] },
    "LIST topologies[0].networks",
  ],
  [
    "a root with another prefix",
    { networks: [net], topologies: [{ networks: ["net"], cidr: "10.111.0.0/17" }] },
    "CIDR_MISFIT topologies[0].cidr",
  ],
  ["a map that is none", document({}), "LIST topologies[0].map"],
  ["an element that is a text", inMap("rack"), `OBJECT ${map0}`],
  ["a misspelt field", inMap({ name: "a", group: [] }), `FIELD_UNKNOWN ${map0}.group`],
  [
    "__proto__",
    inMap(JSON.parse('{"name": "a", "__proto__": {"groups": []}}')),
    `FIELD_UNKNOWN ${map0}.__proto__`,
  ],
  ["a host without a name", inMap({ ip: "1.1.1.1" }), `NAME ${map0}.name`],
  ["a number for a name", inMap({ name: 1 }), `NAME ${map0}.name`],
  [
    "the name that a sibling has got for want of one",
    document([{ groups: [] }, { name: "group-1" }]),
    "DUPLICATE topologies[0].map[1].name",
  ],
  ["a name with a slash", document(groups("a/b")), `NAME ${map0}.name`],
  ["a name with a NUL", document(groups("a\0b")), `NAME ${map0}.name`],
  ["a name with an escape", document(groups("a\u001bb")), `NAME ${map0}.name`],
  ["a name that ends in a blank", document(groups("a ")), `NAME ${map0}.name`],
  ["a name of 254 characters", document(groups("x".repeat(254))), `NAME ${map0}.name`],
  ["half a character in a name", document(groups("\ud800")), `NAME ${map0}.name`],
  ["labels that are a list", inMap({ name: "a", assignment: ["x"] }), `ASSIGNMENT ${map0}.assignment`],
  [
    "a number for a label",
    inMap({ name: "a", assignment: { rack: 1 } }),
    `ASSIGNMENT ${map0}.assignment.rack`,
  ],
  [
    "equal names, deep",
    inMap({ name: "z", groups: [{ name: "y", groups: groups("x", "x") }] }),
    `DUPLICATE ${map0}.groups[0].groups[1].name`,
  ],
  [
    "a host twice in a list",
    document([host("h", "1.1.1.1"), host("h", "1.1.1.1")]),
    "DUPLICATE topologies[0].map[1].name",
  ],
  [
    "a host in two groups",
    document([
      { name: "a", groups: [host("h", "1.1.1.1")] },
      { name: "b", groups: [host("h", "1.1.1.1")] },
    ]),
    "HOST_IN_TWO_GROUPS topologies[0].map[1]",
  ],
  [
    "an address of two hosts",
    document([host("h", "1.1.1.1"), host("i", "1.1.1.1")]),
    "HOST_IP_TWICE topologies[0]",
  ],
  [
    "groups and hosts in one list",
    document([...groups("a"), host("h", "1.1.1.1")]),
    "GROUPS_AND_HOSTS topologies[0].map",
  ],
  ["a host with groups", inMap({ ...host("h", "1.1.1.1"), groups: [] }), `FIELD_UNKNOWN ${map0}.groups`],
  ["a host with half an address", inMap(host("h", "10.1")), `IP ${map0}.ip`],
  ["a host with a mapped address", inMap(host("h", "::ffff:1.2.3.4")), `IP_MAPPED ${map0}.ip`],
  [
    "a host with two addresses of a family",
    inMap({ name: "h", ips: ["1.1.1.1", "1.1.1.2"] }),
    `HOST_IPS ${map0}.ips`,
  ],
  [
    "a host whose ip is not the first of ips",
    inMap({ name: "h", ip: "1.1.1.2", ips: ["1.1.1.1"] }),
    `HOST_IPS ${map0}.ip`,
  ],
  ["a host name with a blank", inMap(host("h 1", "1.1.1.1")), `NAME ${map0}.name`],
  [
    "more groups than blocks",
    document([{ name: "z", groups: racks(5) }], [{ name: "n", cidr: "10.0.0.0/27" }]),
    `GROUP_TOO_WIDE ${map0}.groups`,
  ],
  [
    "blocks larger than groups",
    document(groups("a", "b"), [{ ...net, block_mask: 16 }]),
    "GROUP_TOO_WIDE topologies[0].map",
  ],
  [
    "a million-fold split",
    document(racks(10_000), [{ ...net, cidr: "10.0.0.0/20" }]),
    "GROUP_TOO_WIDE topologies[0].map",
  ],
  ["deep routing", inMap({ name: "a", routing: nested(10_000) }), `ROUTING_KIND ${map0}.routing`],
];
for (const [what, value, ...expected] of wrong)
  test(`refuses ${what}`, () => {
    assert.deepEqual(faultsOf(value), expected);
  });

test("10,000 levels are refused, not walked", () => {
  const [fault, ...more] = faultsOf(inMap(deep(10_000)));
  assert.match(fault ?? "", /^TOPOLOGY_DEPTH topologies\[0\]\.map\[0\]\.groups\[0\]/);
  assert.deepEqual(more, []);
});

test("all faults are told at once, those of carving too, each with value and expectation", () => {
  const networks = [
    { name: "n", cidr: "x" },
    { ...net, block_mask: 17 },
  ];
  const parsed = parseTopology(document([{ name: "a/b" }, { name: "b", extra: 1 }, { name: "c" }], networks));
  const faults = parsed.kind === "invalid" ? parsed.faults : [];
  assert.deepEqual(
    faults.map(({ field }) => field),
    ["networks[0].cidr", `${map0}.name`, "topologies[0].map[1].extra", "topologies[0].map"],
  );
  for (const fault of faults) assert.ok(fault.expected.length > 0 && "value" in fault);
});

test("a document of faults gets a bounded answer", () => {
  assert.equal(faultsOf(document(Array(5000).fill(0))).length, 500);
});
