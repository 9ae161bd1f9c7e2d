import assert from "node:assert/strict";
import { test } from "node:test";
import { builtInNames, builtInTopology } from "./built-in.ts";
import { assignHost } from "./assign.ts";
import { leafGroups } from "./groups.ts";
import { firstTree, prefixes, valid } from "./testdata/documents.ts";

for (const name of builtInNames)
  test(`${name} parses and carves`, () => {
    const tree = firstTree(valid(builtInTopology(name)));
    const leaves = leafGroups(tree);
    assert.ok(leaves.length >= 8 && leaves.length <= 32);
    const zones = name === "kubeadm" ? [] : tree.root.groups;
    for (const zone of zones) {
      const tags = { "topology.kubernetes.io/zone": zone.name };
      assert.equal(assignHost(tree, tags, { name: "h", hostsPerGroup: new Map() }), zone.groups[0]?.path);
    }
  });

test("kubeadm: eight groups of a /15", () => {
  const own = Object.values(prefixes(valid(builtInTopology("kubeadm")), "kubeadm-network"));
  assert.deepEqual(own.slice(0, 3), ["10.112.0.0/12", "10.112.0.0/15", "10.114.0.0/15"]);
  assert.equal(own.length, 9);
});

test("all commercial regions are there, by name or by cloud and region; others are not", () => {
  assert.equal(builtInNames.length, 35);
  assert.deepEqual(builtInTopology("aws", "eu-west-1"), builtInTopology("aws-eu-west-1"));
  assert.deepEqual(builtInTopology("aws-us-east-1")?.topologies[0]?.map.length, 6);
  for (const name of ["aws", "aws-", "aws-nowhere-1", "gcp-us-east-1", "constructor"])
    assert.equal(builtInTopology(name), undefined);
});
