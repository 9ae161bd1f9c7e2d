import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { containsCidr, formatCidr, overlaps } from "../net/cidr.ts";
import type { Topology } from "../model/topology.ts";
import { assignHost } from "./assign.ts";
import { allGroups, findGroup, leafGroups } from "./groups.ts";
import { parseTopology } from "./parse-topology.ts";
import { topologyDocument } from "./topology-document.ts";

const network = { name: "net", cidr: "10.111.0.0/16" };
const named = (...names: string[]) => names.map((name) => ({ name, groups: [] as unknown[] }));
const document = (map: unknown[], networks: unknown[] = [network]) => ({
  networks,
  topologies: [{ networks: networks.map((each) => (each as { name: string }).name), map }],
});

function valid(value: unknown, previous?: Topology): Topology {
  const parsed = parseTopology(value, previous);
  assert.equal(parsed.kind, "valid", parsed.kind === "invalid" ? JSON.stringify(parsed.faults) : "");
  return parsed.kind === "valid" ? parsed.topology : { networks: [], trees: [] };
}
const faultsOf = (value: unknown, previous?: Topology) => {
  const parsed = parseTopology(value, previous);
  return parsed.kind === "invalid" ? parsed.faults : [];
};
const prefixes = ({ trees }: Topology, name = "net") =>
  Object.fromEntries(
    [
      ...allGroups(
        trees[0]?.root ?? {
          name: "",
          path: "",
          assignment: {},
          routing: undefined,
          prefixes: {},
          groups: [],
          hosts: [],
        },
      ),
    ].map((group) => [group.path, group.prefixes[name] && formatCidr(group.prefixes[name])]),
  );

test("four groups each take a quarter", () => {
  assert.deepEqual(prefixes(valid(document(named("a", "b", "c", "d")))), {
    "": "10.111.0.0/16",
    a: "10.111.0.0/18",
    b: "10.111.64.0/18",
    c: "10.111.128.0/18",
    d: "10.111.192.0/18",
  });
});

test("two zones of four and two racks: /17 each, holding four /19 and two /18", () => {
  const topology = valid(
    document([
      { name: "A", groups: named("1", "2", "3", "4") },
      { name: "B", groups: named("5", "6") },
    ]),
  );
  assert.deepEqual(prefixes(topology), {
    "": "10.111.0.0/16",
    A: "10.111.0.0/17",
    "A/1": "10.111.0.0/19",
    "A/2": "10.111.32.0/19",
    "A/3": "10.111.64.0/19",
    "A/4": "10.111.96.0/19",
    B: "10.111.128.0/17",
    "B/5": "10.111.128.0/18",
    "B/6": "10.111.192.0/18",
  });
});

test("three groups are padded to four; one group takes the whole", () => {
  assert.deepEqual(Object.values(prefixes(valid(document(named("a", "b", "c"))))), [
    "10.111.0.0/16",
    "10.111.0.0/18",
    "10.111.64.0/18",
    "10.111.128.0/18",
  ]);
  assert.deepEqual(Object.values(prefixes(valid(document(named("only"))))), [
    "10.111.0.0/16",
    "10.111.0.0/16",
  ]);
});

test("networks of both families are carved alike; block masks default to 29 and 125", () => {
  const topology = valid(document(named("a", "b"), [network, { name: "six", cidr: "fd00::/48" }]));
  assert.deepEqual(prefixes(topology, "six"), { "": "fd00::/48", a: "fd00::/49", b: "fd00:0:0:8000::/49" });
  assert.deepEqual(
    topology.networks.map(({ blockMask }) => blockMask),
    [29, 125],
  );
});

test("a list of hosts makes the group a leaf that lists them", () => {
  const topology = valid(
    document([
      { name: "h1", ip: "192.168.0.1" },
      { name: "h2", ips: ["192.168.0.2", "fd00::2"] },
    ]),
  );
  assert.deepEqual(topology.trees[0]?.root.hosts, [
    { name: "h1", ips: ["192.168.0.1"] },
    { name: "h2", ips: ["192.168.0.2", "fd00::2"] },
  ]);
  assert.equal(leafGroups(topology.trees[0]!).length, 1);
});

test("routing is kept as given", () => {
  assert.deepEqual(
    findGroup(valid(document([{ name: "a", routing: { bgp: 1 }, groups: [] }])).trees[0]!, "a")?.routing,
    { bgp: 1 },
  );
});

/** Each row: what is wrong, the document, code and place of every fault. */
const wrong: readonly (readonly [string, unknown, readonly string[]])[] = [
  ["not an object", [], ["TOPOLOGY topology"]],
  ["no networks", { topologies: [] }, ["LIST networks", "LIST topologies"]],
  [
    "overlapping networks",
    document(named("a"), [network, { name: "b", cidr: "10.111.128.0/17" }]),
    ["NETWORK_OVERLAP networks[1].cidr"],
  ],
  [
    "host bits",
    document(named("a"), [{ name: "n", cidr: "10.111.0.1/16" }]),
    ["CIDR_HOST_BITS networks[0].cidr"],
  ],
  [
    "IPv4-mapped IPv6",
    document(named("a"), [{ name: "n", cidr: "::ffff:10.0.0.0/104" }]),
    ["CIDR_MAPPED networks[0].cidr"],
  ],
  [
    "a block larger than its network",
    document(named("a"), [{ ...network, block_mask: 8 }]),
    ["BLOCK_MASK networks[0].block_mask"],
  ],
  [
    "a block larger than a group's prefix",
    document(named("a", "b"), [{ ...network, block_mask: 16 }]),
    ["GROUP_TOO_WIDE topologies[0].map"],
  ],
  [
    "more groups than blocks",
    document(
      [{ name: "z", groups: named(...Array.from({ length: 5 }, (_, i) => `r${i}`)) }],
      [{ name: "n", cidr: "10.0.0.0/27" }],
    ),
    ["GROUP_TOO_WIDE topologies[0].map[0].groups"],
  ],
  [
    "an unknown network",
    { networks: [network], topologies: [{ networks: ["nope"], map: [] }] },
    ["NETWORK_UNKNOWN topologies[0].networks[0]"],
  ],
  [
    "a network in two topologies",
    {
      networks: [network],
      topologies: [
        { networks: ["net"], map: [] },
        { networks: ["net"], map: [] },
      ],
    },
    ["DUPLICATE topologies[].networks"],
  ],
  [
    "duplicate networks",
    document(named("a"), [network, { name: "net", cidr: "10.0.0.0/16" }]),
    ["DUPLICATE networks[1].name", "DUPLICATE topologies[].networks"],
  ],
  [
    "duplicate groups, deep",
    document([{ name: "z", groups: [{ name: "y", groups: named("x", "x") }] }]),
    ["DUPLICATE topologies[0].map[0].groups[0].groups"],
  ],
  [
    "a host in two groups",
    document([
      { name: "a", groups: [{ name: "h", ip: "1.1.1.1" }] },
      { name: "b", groups: [{ name: "h", ip: "1.1.1.1" }] },
    ]),
    ["HOST_IN_TWO_GROUPS topologies[0].map[1]"],
  ],
  [
    "groups and hosts in one list",
    document([
      { name: "a", groups: [] },
      { name: "h", ip: "1.1.1.1" },
    ]),
    ["GROUPS_AND_HOSTS topologies[0].map"],
  ],
  ["an unknown field", document([{ name: "a", group: [] }]), ["FIELD_UNKNOWN topologies[0].map[0].group"]],
  ["a NUL in a name", document(named("a\0b")), ["NAME topologies[0].map[0].name"]],
  ["a control character in a name", document(named("a\u001bb")), ["NAME topologies[0].map[0].name"]],
  ["a slash in a name", document(named("a/b")), ["NAME topologies[0].map[0].name"]],
  ["an empty name", document(named("")), ["NAME topologies[0].map[0].name"]],
  ["a host without an address", document([{ name: "h", ip: "10.1" }]), ["IP topologies[0].map[0].ip"]],
  [
    "labels that are not texts",
    document([{ name: "a", assignment: { zone: 1 } }]),
    ["ASSIGNMENT topologies[0].map[0].assignment"],
  ],
  [
    "a prefix outside its parent",
    document([{ name: "a", cidr: "10.0.0.0/17" }, { name: "b" }]),
    ["CIDR_MISFIT topologies[0]"],
  ],
];
for (const [what, value, expected] of wrong)
  test(`refuses ${what}`, () => {
    assert.deepEqual(
      faultsOf(value).map(({ code, field }) => `${code} ${field}`),
      expected,
    );
  });

test("all faults are told at once, each with value and expectation", () => {
  const faults = faultsOf(document([{ name: "" }, { name: "b", extra: 1 }], [{ name: "n", cidr: "x" }]));
  assert.deepEqual(
    faults.map(({ field }) => field),
    ["networks[0].cidr", "topologies[0].map[0].name", "topologies[0].map[1].extra"],
  );
  for (const fault of faults) assert.ok(fault.expected.length > 0);
});

test("10,000 levels are refused, not walked", () => {
  let deep: unknown = { name: "end", groups: [] };
  for (let i = 0; i < 10_000; i++) deep = { name: "g", groups: [deep] };
  assert.deepEqual(
    faultsOf(document([deep])).map(({ code }) => code),
    ["TOPOLOGY_DEPTH"],
  );
});

test("a group keeps its prefix for life; a new one takes the lowest free slot; then it is full", () => {
  const first = valid(document(named("a", "b", "c")));
  const second = valid(document(named("c", "new", "a")), first);
  assert.deepEqual(prefixes(second), {
    "": "10.111.0.0/16",
    c: "10.111.128.0/18",
    new: "10.111.64.0/18",
    a: "10.111.0.0/18",
  });
  assert.deepEqual(valid(document(named("a", "b", "c")), first), first);
  assert.deepEqual(
    faultsOf(document(named("a", "b", "c", "d", "e")), first).map(({ code }) => code),
    ["GROUP_NO_SLOT"],
  );
});

const tree = fc.letrec<{
  group: { name: string; groups: unknown[] };
  map: { name: string; groups: unknown[] }[];
}>((tie) => ({
  group: fc.record({
    name: fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom("a", "b", "c", "d", "e") }),
    groups: fc.oneof({ depthSize: "small", withCrossShrink: true }, fc.constant([]), tie("map")),
  }),
  map: fc.uniqueArray(tie("group"), { maxLength: 5, selector: ({ name }) => name }),
})).map;

test("children are disjoint and inside their parent; the document of a topology is that topology", () => {
  fc.assert(
    fc.property(tree, (map) => {
      const topology = valid(
        document(map, [
          { name: "net", cidr: "10.0.0.0/8" },
          { name: "six", cidr: "fd00::/48" },
        ]),
      );
      for (const group of allGroups(topology.trees[0]!.root))
        for (const name of ["net", "six"]) {
          const children = group.groups.map((child) => child.prefixes[name]!);
          assert.ok(
            children.every(
              (child, i) =>
                containsCidr(group.prefixes[name]!, child) &&
                children.slice(0, i).every((other) => !overlaps(other, child)),
            ),
          );
        }
      assert.deepEqual(valid(topologyDocument(topology)), topology);
    }),
    { numRuns: 100 },
  );
});

const zones = valid(
  document([
    {
      name: "a",
      assignment: { "topology.kubernetes.io/zone": "a" },
      groups: [
        { name: "r1", assignment: { rack: "1" } },
        { name: "r2", assignment: { rack: "2" } },
      ],
    },
    { name: "b", assignment: { "failure-domain.beta.kubernetes.io/zone": "b" } },
    { name: "listed", groups: [{ name: "special", ip: "10.9.9.9" }] },
  ]),
).trees[0]!;
/** Each row: the labels, the host's name, hosts per group, the group it joins. */
const assigned: readonly (readonly [Record<string, string>, string, Record<string, number>, string])[] = [
  [{ "topology.kubernetes.io/zone": "a", rack: "2" }, "h", {}, "a/r2"],
  [{ "failure-domain.beta.kubernetes.io/zone": "a", rack: "1" }, "h", {}, "a/r1"],
  [{ "topology.kubernetes.io/zone": "b" }, "h", {}, "b"],
  [{ "topology.kubernetes.io/zone": "b", rack: "1" }, "h", {}, "b"],
  [{}, "special", {}, "listed"],
  [{ "topology.kubernetes.io/zone": "a", rack: "1" }, "special", {}, "listed"],
  [{}, "h", {}, "listed"],
];
for (const [tags, name, hosts, path] of assigned)
  test(`host ${name} with ${JSON.stringify(tags)} joins ${path}`, () => {
    assert.equal(assignHost(zones, tags, { name, hostsPerGroup: new Map(Object.entries(hosts)) }), path);
  });

test("among equals the smallest group takes the host, and no group takes a host that none fits", () => {
  const open = valid(document(named("a", "b", "c"))).trees[0]!;
  assert.equal(
    assignHost(
      open,
      {},
      {
        name: "h",
        hostsPerGroup: new Map([
          ["a", 2],
          ["b", 1],
          ["c", 1],
        ]),
      },
    ),
    "b",
  );
  const closed = valid(document([{ name: "a", assignment: { zone: "a" } }])).trees[0]!;
  assert.equal(assignHost(closed, {}, { name: "h", hostsPerGroup: new Map() }), undefined);
});
