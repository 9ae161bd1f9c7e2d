// What a node announces: exactly what it has, to whom its group says.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng } from "../../base/clock.ts";
import { formatCidr, parseCidr, subnet } from "../net/cidr.ts";
import { minimalUnion, prefixSet, subtract, toCidrs } from "../net/prefix-set.ts";
import { emptySnapshot, type Snapshot } from "../model/snapshot.ts";
import { desiredBird } from "./desired-bird.ts";
import { bgp, type TestBlock, tor, wholeWorld, worldOf } from "./testdata/world.ts";

function known(world: Snapshot, node: string) {
  const desired = desiredBird(world, node);
  return desired.kind === "known" ? desired : assert.fail(desired.reason);
}
/** What is written for each static protocol, by its name. */
function announced(world: Snapshot, node: string): Record<string, string[]> {
  const found = known(world, node).text.matchAll(/^protocol static (\w+) \{\n([^}]*)\}/gm);
  return Object.fromEntries(
    [...found].map(([, name = "", body = ""]): [string, string[]] => [
      name,
      [...body.matchAll(/route (\S+) unreachable/g)].map(([, cidr = ""]) => cidr),
    ]),
  );
}

const hosts = ["n1", "n2", "n3", "n4"] as const;
/** Blocks of IPv4 and IPv6, no two alike, and whose they are. */
const anyBlocks = fc
  .uniqueArray(fc.tuple(fc.constantFrom(0, 1, 2), fc.nat({ max: 31 }), fc.constantFrom(...hosts)), {
    selector: ([network, index]) => `${network} ${index}`,
    maxLength: 60,
  })
  .map((list) =>
    list.map(([network, index, host]): TestBlock => {
      const [name, text, length] =
        (
          [
            ["v4", "10.0.0.0/16", 29],
            ["v6", "fd00::/64", 125],
            ["other", "10.1.0.0/16", 29],
          ] as const
        )[network] ?? assert.fail();
      return [formatCidr(subnet(parseCidr(text), length, BigInt(index))), name, host];
    }),
  );
const everywhere = { zone: bgp(), other: bgp() };

test("what a node announces is exactly its blocks, and no address of another node", () => {
  fc.assert(
    fc.property(anyBlocks, fc.constantFrom(...hosts), (blocks, node) => {
      const cidrs = Object.values(announced(worldOf(everywhere, blocks), node))
        .flat()
        .map((text) => parseCidr(text));
      const own = blocks.filter(([, , host]) => host === node).map(([text]) => parseCidr(text));
      assert.deepEqual(minimalUnion(cidrs), minimalUnion(own));
      const beyond = subtract(prefixSet(cidrs), prefixSet(own));
      assert.deepEqual(toCidrs(beyond), []);
    }),
    { numRuns: 200, seed: 7 },
  );
});

test("the order in which blocks came says nothing", () => {
  fc.assert(
    fc.property(anyBlocks, fc.nat(), (blocks, seed) => {
      const rng = seededRng(seed);
      const shuffled = blocks.map((each) => ({ each, at: rng() })).sort((a, b) => a.at - b.at);
      const other = worldOf(
        everywhere,
        shuffled.map(({ each }) => each),
      );
      assert.deepEqual(desiredBird(other, "n1"), desiredBird(worldOf(everywhere, blocks), "n1"));
    }),
    { numRuns: 100, seed: 7 },
  );
});

test("another node's blocks say nothing", () => {
  fc.assert(
    fc.property(anyBlocks, (blocks) => {
      const own = blocks.filter(([, , host]) => host === "n1");
      assert.deepEqual(
        desiredBird(worldOf(everywhere, own), "n1"),
        desiredBird(worldOf(everywhere, blocks), "n1"),
      );
    }),
    { numRuns: 100, seed: 7 },
  );
});

test("the whole configuration, as BIRD gets it", () => {
  const golden = join(import.meta.dirname, "testdata/whole.conf");
  const { text, sessions, prefixes } = known(wholeWorld, "n1");
  if (process.env["GOLDEN"] === "write") writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, "utf8"));
  assert.deepEqual([sessions, prefixes.length], [["romana_192_168_0_254", "romana_fd01__fe"], 3]);
});

const one: TestBlock[] = [
  ["10.0.0.0/29", "v4", "n1"],
  ["10.1.0.0/29", "other", "n1"],
];
test("each tree's blocks go to the neighbours of the node's group there, and to no others", () => {
  const world = worldOf({ zone: bgp(), other: bgp({ neighbours: tor("192.168.0.253") }) }, one);
  assert.deepEqual(announced(world, "n1"), {
    ...{ romana_0_v4: ["10.0.0.0/29"], romana_0_v6: [], romana_1_v4: ["10.1.0.0/29"], romana_1_v6: [] },
  });
  const filters = [...known(world, "n1").text.matchAll(/ipv4 \{\n.*\n.*\n +(if .*);/g)].map(
    ([, rule]) => rule,
  );
  assert.deepEqual(filters, [
    'if !((proto = "romana_0_v4")) then reject',
    'if !((proto = "romana_1_v4")) then reject',
  ]);
});

const rows: readonly [
  what: string,
  routing: Parameters<typeof worldOf>[0],
  node: string,
  sessions: string[],
][] = [
  ["nothing is said: nobody is told", {}, "n1", []],
  ["a group in it says nothing: as the group above", { zone: bgp() }, "n1", ["romana_192_168_0_254"]],
  [
    "the nearest group wins",
    { zone: bgp(), a: bgp({ neighbours: tor("192.168.0.253") }) },
    "n1",
    ["romana_192_168_0_253"],
  ],
  ["a group may say none", { zone: bgp(), a: "none" }, "n1", []],
  ["and that is for its own hosts", { zone: bgp(), a: "none" }, "n4", ["romana_192_168_0_254"]],
  [
    "words of Romana v2 say nothing",
    { zone: bgp(), a: "prefix-announce-bgp:x" },
    "n1",
    ["romana_192_168_0_254"],
  ],
  ["static: nobody is told", { zone: "static" }, "n1", []],
  [
    "a host is no neighbour of its own",
    { zone: bgp({ neighbours: tor("192.168.0.2", "192.168.0.1") }) },
    "n1",
    ["romana_192_168_0_2"],
  ],
  [
    "one session with a neighbour of two trees",
    { zone: bgp(), other: bgp() },
    "n1",
    ["romana_192_168_0_254"],
  ],
];
for (const [what, routing, node, sessions] of rows)
  test(what, () => assert.deepEqual(known(worldOf(routing, one), node).sessions, sessions));

test("a session over one family tells by what address the other is reached, or does not carry it", () => {
  const six = bgp({ neighbours: tor("fd01::fe") });
  const hopOf = (node: string, routing: unknown, family: string): string | undefined => {
    const { text } = known(worldOf({ zone: routing }, []), node);
    const at = text.lastIndexOf(`  ${family} {`);
    return at < 0
      ? undefined
      : (/(?:next hop|extended)[^;]*/.exec(text.slice(at, text.indexOf("\n  };", at)))?.[0] ?? "own");
  };
  assert.deepEqual(
    [hopOf("n1", bgp(), "ipv4"), hopOf("n1", bgp(), "ipv6")],
    ["own", "next hop address fd01::1"],
  );
  assert.deepEqual([hopOf("n2", bgp(), "ipv4"), hopOf("n2", bgp(), "ipv6")], ["own", undefined]);
  assert.deepEqual(
    [hopOf("n1", six, "ipv4"), hopOf("n1", six, "ipv6")],
    ["next hop address 192.168.0.1", "own"],
  );
  assert.deepEqual([hopOf("n3", six, "ipv4"), hopOf("n3", six, "ipv6")], ["extended next hop on", "own"]);
});

test("a node that no group takes any more announces what it has as the blocks' group says", () => {
  const world = structuredClone(worldOf(everywhere, one));
  for (const host of world.hosts.values()) Object.assign(host, { groups: [undefined, undefined] });
  const blocks = new Map(
    [...world.blocks].map(([key, block]) => [
      key,
      { ...block, group: block.network === "other" ? "flat" : "z/a" },
    ]),
  );
  assert.deepEqual(known({ ...world, blocks }, "n1"), known(worldOf(everywhere, one), "n1"));
});

test("what lingers is announced beside what is wanted, with its own tree", () => {
  const old = [parseCidr("10.1.0.0/28")];
  const desired = desiredBird(worldOf(everywhere, one), "n1", () => old);
  const text = desired.kind === "known" ? desired.text : assert.fail(desired.reason);
  const routes = [...text.matchAll(/protocol static romana_1_v4 \{([^}]*)\}|route (\S+)/g)].map(
    ([all]) => all,
  );
  assert.match(
    routes.join("\n"),
    /romana_1_v4 \{\n {2}ipv4;\n {2}route 10.1.0.0\/29 unreachable;\n {2}route 10.1.0.0\/28 unreachable;/,
  );
  assert.equal(text.split("10.1.0.0/28").length, 2);
});

test("a world that lacks the topology or the host is no reason to withdraw anything", () => {
  const world = worldOf(everywhere, one);
  assert.deepEqual(desiredBird(world, "new"), { kind: "unknown", reason: "the daemon knows no host new" });
  const later = structuredClone(world);
  for (const { root } of later.topology.trees)
    for (const group of root.groups) Object.assign(group, { routing: { kind: "unread" } });
  assert.match(JSON.stringify(desiredBird(later, "n1")), /unknown.*not understood/);
  const bare = { ...world, topology: emptySnapshot.topology };
  assert.deepEqual(desiredBird(bare, "n1"), { kind: "unknown", reason: "there is no topology" });
});
