import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assignHost } from "./assign.ts";
import { leafGroups } from "./groups.ts";
import { document, firstTree, groups, valid } from "./testdata/documents.ts";

const treeOf = (map: unknown) => firstTree(valid(document(map)));
const join = (tree: ReturnType<typeof treeOf>, tags: Record<string, string>, hosts = {}, name = "h") =>
  assignHost(tree, tags, { name, hostsPerGroup: new Map(Object.entries<number>(hosts)) });

const zones = treeOf([
  {
    name: "a",
    assignment: { "topology.kubernetes.io/zone": "a" },
    groups: [
      { name: "r1", assignment: { rack: "1" } },
      { name: "r2", assignment: { rack: "2" } },
      { name: "rest" },
    ],
  },
  { name: "b", assignment: { "failure-domain.beta.kubernetes.io/zone": "b" } },
  { name: "listing", groups: [{ name: "special", ip: "10.9.9.9" }] },
]);
const today = "topology.kubernetes.io/zone";
const old = "failure-domain.beta.kubernetes.io/zone";

/** Each row: what it shows, the labels, the host's name, the group it joins. */
const rows: readonly (readonly [string, Record<string, string>, string, string])[] = [
  ["labels of the group and of its parent", { [today]: "a", rack: "2" }, "h", "a/r2"],
  ["the old name of the zone label", { [old]: "a", rack: "1" }, "h", "a/r1"],
  ["the old name in the file", { [today]: "b" }, "h", "b"],
  ["the new name wins where both are there", { [today]: "b", [old]: "a", rack: "1" }, "h", "b"],
  ["a group without labels in a zone that matches", { [today]: "a", rack: "9" }, "h", "a/rest"],
  ["labels before no labels", { [today]: "a" }, "h", "a/rest"],
  ["the file's list before any label", { [today]: "a", rack: "1" }, "special", "listing"],
  ["nothing matches: the group that asks for nothing", { [today]: "c", rack: "1" }, "h", "listing"],
  ["labels with names from birth are nothing special", { constructor: "x", toString: "y" }, "h", "listing"],
];
for (const [what, tags, name, path] of rows)
  test(`${what}: ${path}`, () => {
    assert.equal(join(zones, tags, {}, name), path);
  });

test("among equals the smallest group, then the first", () => {
  const open = treeOf(groups("a", "b", "c"));
  assert.equal(join(open, {}, { a: 2, b: 1, c: 1 }), "b");
  assert.equal(join(open, {}), "a");
});

test("more labels win over fewer hosts", () => {
  const tree = treeOf([
    { name: "zone", assignment: { zone: "a" } },
    { name: "rack", assignment: { zone: "a", rack: "1" } },
  ]);
  assert.equal(join(tree, { zone: "a", rack: "1" }, { rack: 50 }), "rack");
});

test("a label asked for twice counts once", () => {
  const tree = treeOf([
    { name: "flat", assignment: { zone: "a" } },
    { name: "z", assignment: { zone: "a" }, groups: [{ name: "deep", assignment: { zone: "a" } }] },
  ]);
  assert.equal(join(tree, { zone: "a" }), "flat");
});

test("no group: none fits, or a group contradicts its parent", () => {
  assert.equal(join(treeOf([{ name: "a", assignment: { zone: "a" } }]), {}), undefined);
  const torn = treeOf([
    { name: "a", assignment: { zone: "a" }, groups: [{ name: "b", assignment: { zone: "b" } }] },
  ]);
  assert.equal(join(torn, { zone: "b" }), undefined);
});

test("law: hosts that join one after another spread evenly, and only over real groups", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 40 }), (count, hosts) => {
      const tree = treeOf(groups(...Array.from({ length: count }, (_, i) => `g${i}`)));
      const filled: Record<string, number> = Object.fromEntries(
        leafGroups(tree).map(({ path }) => [path, 0]),
      );
      for (let i = 0; i < hosts; i++) {
        const path = join(tree, {}, filled, `h${i}`) ?? "";
        assert.ok(path in filled);
        filled[path] = (filled[path] ?? 0) + 1;
      }
      const sizes = Object.values(filled);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
    { numRuns: 30 },
  );
});
