import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { containsCidr, equalCidr, overlaps, sizeOf } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import { paddingBits } from "./carve.ts";
import { allGroups, groupsByPath, leafGroups, leafHolding } from "./groups.ts";
import { document, faultsOf, firstTree, groups, net, prefixes, six, valid } from "./testdata/documents.ts";
import { topologyDocument } from "./topology-document.ts";

const nameless = (count: number) => Array.from({ length: count }, () => ({ groups: [] }));
/** The examples of the original, most of them without names: each row a map and the prefixes of its groups. */
const carved: readonly (readonly [string, unknown[], Record<string, string>])[] = [
  [
    "four groups: a quarter each",
    nameless(4),
    {
      "group-1": "10.111.0.0/18",
      "group-2": "10.111.64.0/18",
      "group-3": "10.111.128.0/18",
      "group-4": "10.111.192.0/18",
    },
  ],
  [
    "two zones of four and two racks: a half each, holding quarters and halves of it",
    [
      { name: "A", assignment: { zone: "A" }, groups: nameless(4) },
      { name: "B", assignment: { zone: "B" }, groups: nameless(2) },
    ],
    {
      A: "10.111.0.0/17",
      "A/group-1": "10.111.0.0/19",
      "A/group-2": "10.111.32.0/19",
      "A/group-3": "10.111.64.0/19",
      "A/group-4": "10.111.96.0/19",
      B: "10.111.128.0/17",
      "B/group-1": "10.111.128.0/18",
      "B/group-2": "10.111.192.0/18",
    },
  ],
  [
    "three groups are padded to four",
    groups("a", "b", "c"),
    { a: "10.111.0.0/18", b: "10.111.64.0/18", c: "10.111.128.0/18" },
  ],
  ["one group takes the whole", nameless(1), { "group-1": "10.111.0.0/16" }],
  ["no group: the root holds the hosts", [], {}],
];
for (const [what, map, expected] of carved)
  test(`carving ${what}`, () => {
    assert.deepEqual(prefixes(valid(document(map))), { "": "10.111.0.0/16", ...expected });
  });

test("padding: bits for a number of children", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 8, 9, 1 << 20].map(paddingBits), [0, 0, 1, 2, 2, 3, 3, 4, 20]);
});

test("networks of both families are carved alike; block masks default to 29 and 125", () => {
  const topology = valid(document(groups("a", "b"), [net, six]));
  assert.deepEqual(prefixes(topology, "six"), { "": "fd00::/48", a: "fd00::/49", b: "fd00:0:0:8000::/49" });
  assert.deepEqual(
    topology.networks.map(({ blockMask }) => blockMask),
    [29, 125],
  );
});

const three = valid(document(groups("a", "b", "c")));

test("a group keeps its prefix for life; a new one takes the lowest free slot", () => {
  assert.deepEqual(prefixes(valid(document(groups("c", "new", "a")), three)), {
    "": "10.111.0.0/16",
    c: "10.111.128.0/18",
    new: "10.111.64.0/18",
    a: "10.111.0.0/18",
  });
});

test("the same topology again is the same topology", () => {
  assert.deepEqual(valid(document(groups("a", "b", "c")), three), three);
});

test("more groups than slots need an added network", () => {
  const map = groups("a", "b", "c", "d", "e", "f");
  assert.deepEqual(faultsOf(document(map), three), [
    "GROUP_NO_SLOT topologies[0].map[4]",
    "GROUP_NO_SLOT topologies[0].map[5]",
  ]);
  const added = valid(document(map, [net, { name: "more", cidr: "10.112.0.0/16" }]), three);
  assert.equal(prefixes(added)["e"], undefined);
  assert.equal(prefixes(added, "more")["e"], "10.112.128.0/19");
  assert.equal(prefixes(added, "more")["a"], "10.112.0.0/19");
  assert.deepEqual(valid(topologyDocument(added)), added);
});

test("an added network of the other family, or of one tenant, does not help", () => {
  const map = groups("a", "b", "c", "d", "e");
  assert.deepEqual(faultsOf(document(map, [net, six]), three), ["GROUP_NO_SLOT topologies[0].map[4]"]);
  const own = { name: "own", cidr: "10.112.0.0/16", tenants: ["blue"] };
  assert.deepEqual(faultsOf(document(map, [net, own]), three), ["GROUP_NO_SLOT topologies[0].map[4]"]);
});

test("a group that comes after an only child needs an added network", () => {
  const only = valid(document(groups("only")));
  assert.deepEqual(faultsOf(document(groups("only", "second")), only), [
    "GROUP_NO_SLOT topologies[0].map[1]",
  ]);
});

test("a network that grows leaves its groups where they are and gives room for more", () => {
  const grown = valid(document(groups("a", "b", "c", "d", "e"), [{ ...net, cidr: "10.96.0.0/12" }]), three);
  assert.equal(prefixes(grown)["a"], "10.111.0.0/18");
  assert.equal(prefixes(grown)["d"], "10.96.0.0/18");
});

test("a network that moves is carved anew", () => {
  const moved = valid(document(groups("a", "b", "c"), [{ ...net, cidr: "10.0.0.0/16" }]), three);
  assert.equal(prefixes(moved)["b"], "10.0.64.0/18");
});

test("a document with the prefixes of an earlier answer carves as it says, on a new cluster too", () => {
  const second = valid(document(groups("c", "a")), three);
  const answer = topologyDocument(second);
  assert.equal(answer.topologies[0]?.map[0]?.cidr, "10.111.128.0/18");
  assert.deepEqual(valid(answer), second);
  assert.deepEqual(valid(answer, second), second);
});

/** Each row: prefixes stated in the document, the fault. */
const stated: readonly (readonly [string, unknown[], string])[] = [
  ["outside its parent", [{ name: "a", cidr: "10.0.0.0/17" }], "CIDR_MISFIT topologies[0].map[0].cidr"],
  ["wider than every network", [{ name: "a", cidr: "10.0.0.0/8" }], "CIDR_MISFIT topologies[0].map[0].cidr"],
  [
    "wider than its parent",
    [{ name: "a", cidr: "10.111.0.0/17", groups: [{ name: "r", cidr: "10.111.0.0/16" }] }, { name: "b" }],
    "CIDR_MISFIT topologies[0].map[0].groups[0].cidr",
  ],
  [
    "that a sibling has",
    [
      { name: "a", cidr: "10.111.0.0/17" },
      { name: "b", cidr: "10.111.0.0/17" },
    ],
    "CIDR_MISFIT topologies[0].map[1].cidr",
  ],
  [
    "of another length than its siblings'",
    [
      { name: "a", cidrs: { net: "10.111.0.0/17" } },
      { name: "b", cidrs: { net: "10.111.128.0/18" } },
    ],
    "CIDR_MISFIT topologies[0].map[1].cidrs.net",
  ],
  [
    "of an unknown network",
    [{ name: "a", cidrs: { other: "10.111.0.0/16" } }],
    "NETWORK_UNKNOWN topologies[0].map[0].cidrs.other",
  ],
  [
    "that contradicts cidrs",
    [{ name: "a", cidr: "10.111.0.0/17", cidrs: { net: "10.111.0.0/16" } }],
    "CIDR_MISFIT topologies[0].map[0].cidr",
  ],
];
for (const [what, map, fault] of stated)
  test(`a stated prefix ${what} is refused`, () => {
    assert.deepEqual(faultsOf(document(map)), [fault]);
  });

test("a stated prefix that is not the one a group has for life is refused", () => {
  const map = [{ name: "a", cidr: "10.111.64.0/18" }];
  assert.deepEqual(faultsOf(document(map), three), ["CIDR_MISFIT topologies[0].map[0].cidr"]);
});

test("the leaf group around an address is found; padding belongs to none", () => {
  const tree = firstTree(valid(document([{ name: "z", groups: groups("r1", "r2", "r3") }], [net, six])));
  const pathAt = (network: string, text: string) => leafHolding(tree, network, parseIp(text))?.path;
  assert.equal(pathAt("net", "10.111.127.255"), "z/r2");
  assert.equal(pathAt("six", "fd00::1"), "z/r1");
  assert.equal(pathAt("net", "10.111.192.0"), undefined);
  assert.equal(pathAt("net", "10.0.0.0"), undefined);
  assert.equal(pathAt("net", "fd00::1"), undefined);
});

type Map = { name: string; groups: Map }[];
const name = fc.constantFrom("a", "b", "c", "d", "e");
const maps = fc.letrec<{ map: Map; group: Map[number] }>((tie) => ({
  group: fc.record({ name, groups: fc.oneof({ depthSize: "small" }, fc.constant<Map>([]), tie("map")) }),
  map: fc.uniqueArray(tie("group"), { maxLength: 5, selector: (group) => group.name }),
})).map;
const wide = [{ name: "net", cidr: "10.0.0.0/8" }, six];

test("law: children are disjoint, equal in size and inside their parent", () => {
  fc.assert(
    fc.property(maps, (map) => {
      for (const group of allGroups(firstTree(valid(document(map, wide))).root))
        for (const [network, parent] of Object.entries(group.prefixes)) {
          const children = group.groups.flatMap((child) => child.prefixes[network] ?? []);
          assert.equal(children.length, group.groups.length);
          assert.equal(new Set(children.map(sizeOf)).size, Math.min(1, children.length));
          assert.ok(children.every((child) => containsCidr(parent, child)));
          assert.ok(
            children.every((child, i) => !children.slice(0, i).some((other) => overlaps(other, child))),
          );
        }
    }),
    { numRuns: 60 },
  );
});

test("law: the document of a topology is that topology", () => {
  fc.assert(
    fc.property(maps, maps, (map, next) => {
      const first = valid(document(map, wide));
      assert.deepEqual(valid(topologyDocument(first)), first);
      if (faultsOf(document(next, wide), first).length > 0) return;
      const second = valid(document(next, wide), first);
      assert.deepEqual(valid(topologyDocument(second)), second);
    }),
    { numRuns: 60 },
  );
});

test("law: whatever is posted next, a group that stays keeps its prefix", () => {
  fc.assert(
    fc.property(maps, maps, (map, next) => {
      const first = valid(document(map, wide));
      if (faultsOf(document(next, wide), first).length > 0) return;
      const second = groupsByPath(firstTree(valid(document(next, wide), first)));
      for (const group of allGroups(firstTree(first).root))
        for (const [network, cidr] of Object.entries(group.prefixes)) {
          const now = second.get(group.path)?.prefixes[network];
          assert.ok(now === undefined || equalCidr(now, cidr), `${group.path} moved`);
        }
    }),
    { numRuns: 60 },
  );
});

test("law: in a balanced tree all leaf groups are equal in size", () => {
  const level = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });
  const grow = ([count = 0, ...rest]: readonly number[]): Map =>
    Array.from({ length: count }, (_, i) => ({ name: `g${i}`, groups: grow(rest) }));
  fc.assert(
    fc.property(level, (counts) => {
      const leaves = leafGroups(firstTree(valid(document(grow(counts), wide))));
      assert.equal(new Set(leaves.map(({ prefixes: own }) => own["net"]?.length)).size, 1);
    }),
    { numRuns: 40 },
  );
});
