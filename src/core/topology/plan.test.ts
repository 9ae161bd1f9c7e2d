import assert from "node:assert/strict";
import { test } from "node:test";
import { planTopology, type TreePlan } from "./plan.ts";
import { renderPlan } from "./render-plan.ts";
import { document, groups, net, six, valid } from "./testdata/documents.ts";

const planOf = (map: unknown, networks: unknown[] = [net]): TreePlan => {
  const [plan] = planTopology(valid(document(map, networks))).topologies;
  return plan ?? assert.fail("no tree");
};
const racks = (zone: string, ...names: string[]) => ({ name: zone, groups: groups(...names) });
const host = (name: string, ip: string) => ({ name, ip });

test("the whole plan of two zones and both families, as an operator reads it", () => {
  const map = [racks("a", "r1", "r2"), racks("b", "r3", "r4")];
  assert.equal(
    renderPlan(planTopology(valid(document(map, [net, six])))),
    `Group      Prefix              Blocks  Addresses
net + six  10.111.0.0/16        8,192     65,536
           fd00::/48             2^77       2^80
  a        10.111.0.0/17        4,096     32,768
           fd00::/49             2^76       2^79
    r1     10.111.0.0/18        2,048     16,384
           fd00::/50             2^75       2^78
    r2     10.111.64.0/18       2,048     16,384
           fd00:0:0:4000::/50    2^75       2^78
  b        10.111.128.0/17      4,096     32,768
           fd00:0:0:8000::/49    2^76       2^79
    r3     10.111.128.0/18      2,048     16,384
           fd00:0:0:8000::/50    2^75       2^78
    r4     10.111.192.0/18      2,048     16,384
           fd00:0:0:c000::/50    2^75       2^78

Router   Routes
tor-r1   2, and for blocks one a host and family, at most 2^75
tor-r2   2, and for blocks one a host and family, at most 2^75
tor-r3   2, and for blocks one a host and family, at most 2^75
tor-r4   2, and for blocks one a host and family, at most 2^75
spine-a  8
spine-b  8`,
  );
});

test("listed hosts share their group's blocks; blocks are not divided", () => {
  const map = [
    { name: "r", groups: [host("h1", "192.168.0.1"), host("h2", "192.168.0.2"), host("h3", "192.168.0.3")] },
  ];
  const { root, routers } = planOf(map);
  assert.deepEqual(root.groups[0]?.hosts[0], {
    name: "h1",
    ips: ["192.168.0.1"],
    shares: [{ network: "net", blocks: 2730, addresses: 21840 }],
  });
  assert.deepEqual(routers[0]?.blockRoutes, { least: 3, most: 8192 });
  assert.match(
    renderPlan({ topologies: [planOf(map)] }),
    /^ {4}h1 \(192\.168\.0\.1\) +of net +2,730 +21,840$/m,
  );
});

/** Each row: a map, routes by router: one for each group beyond, and the discard of each that it announces. */
const routers: readonly (readonly [string, unknown[], Record<string, number>])[] = [
  ["one rack", groups("r"), { "tor-r": 1, spine: 2 }],
  ["racks under one spine", groups("a", "b"), { "tor-a": 1, "tor-b": 1, spine: 4 }],
  [
    "zones, each of which is one route to the others",
    [racks("z", "a", "b", "c"), racks("y", "d")],
    { "tor-a": 1, "tor-b": 1, "tor-c": 1, "tor-d": 1, "spine-z": 5, "spine-y": 3 },
  ],
  [
    "racks at the top beside a zone",
    [...groups("a", "b"), racks("z", "c")],
    { "tor-a": 1, "tor-b": 1, "tor-c": 1, spine: 5, "spine-z": 4 },
  ],
];
for (const [what, map, expected] of routers)
  test(`routes of routers: ${what}`, () => {
    assert.deepEqual(
      Object.fromEntries(planOf(map).routers.map(({ name, routes }) => [name, routes])),
      expected,
    );
  });

const wide = { name: "net", cidr: "10.111.0.0/16" };
/** Each row: a map, networks, the warnings. */
const warnings: readonly (readonly [string, unknown[], unknown[], ...string[]])[] = [
  ["a balanced tree", groups("a", "b"), [wide]],
  ["an only child", groups("a"), [wide]],
  [
    "padding",
    [racks("z", "a", "b", "c"), racks("y", "d", "e", "f")],
    [wide],
    "group z: 25 % of 10.111.0.0/17 is unused until more groups are added: 10.111.96.0/19",
    "group y: 25 % of 10.111.128.0/17 is unused until more groups are added: 10.111.224.0/19",
  ],
  [
    "padding at the top, of five groups",
    groups("a", "b", "c", "d", "e"),
    [wide],
    "the top of the tree: 38 % of 10.111.0.0/16 is unused until more groups are added: 10.111.160.0/19 and 10.111.192.0/18",
  ],
  [
    "uneven groups",
    [racks("z", "a", "b", "c", "d"), racks("y", "e", "f")],
    [wide],
    "groups z/a, z/b, z/c and 1 more fill first: each has 8,192 addresses, group y/e has 16,384",
  ],
  [
    "uneven lists of hosts",
    [
      { name: "a", groups: [host("h1", "1.1.1.1"), host("h2", "1.1.1.2")] },
      { name: "b", groups: [host("h3", "1.1.1.3")] },
    ],
    [wide],
    "group a fills first: 16,384 addresses a host, group b has 32,768",
  ],
  [
    "a pod takes an address of each family, so the smaller family fills first",
    [racks("z", "a", "b"), racks("y", "c")],
    [
      { name: "six", cidr: "fd00::/112" },
      { name: "four", cidr: "10.0.0.0/8" },
    ],
    "groups z/a and z/b fill first: each has 16,384 addresses, group y/c has 32,768",
  ],
  [
    "labels that nobody has",
    [
      {
        name: "z",
        assignment: { "topology.kubernetes.io/zone": "a" },
        groups: [
          { name: "r1", assignment: { "failure-domain.beta.kubernetes.io/zone": "b" } },
          { name: "r2", assignment: { "failure-domain.beta.kubernetes.io/zone": "a" } },
        ],
      },
    ],
    [wide],
    "group z/r1: no host can join, it and the groups above ask for different values of one label",
  ],
  [
    "more hosts than blocks",
    [{ name: "a", groups: [host("h1", "1.1.1.1"), host("h2", "1.1.1.2")] }],
    [{ name: "tiny", cidr: "10.0.0.0/29" }],
    "group a: 2 hosts and 1 block of network tiny, and a host needs one for every tenant and segment",
  ],
];
for (const [what, map, networks, ...expected] of warnings)
  test(`warnings: ${what}`, () => {
    assert.deepEqual(
      planOf(map, networks).warnings.map(({ text }) => text),
      expected,
    );
  });

test("the plan is JSON as it is, and counts of IPv6 are exact", () => {
  const plan = planTopology(valid(document(groups("a", "b"), [six])));
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  assert.equal(BigInt(plan.topologies[0]?.root.shares[0]?.addresses ?? 0), 2n ** 80n);
});

test("a group without a prefix in one network shows those that it has", () => {
  const three = valid(document(groups("a", "b", "c", "d")));
  const grown = valid(
    document(groups("a", "b", "c", "d", "e"), [net, { name: "more", cidr: "10.112.0.0/16" }]),
    three,
  );
  assert.match(renderPlan(planTopology(grown)), /^ {2}e +10\.112\.128\.0\/19 /m);
});
