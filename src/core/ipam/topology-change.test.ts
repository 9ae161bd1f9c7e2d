import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../net/cidr.ts";
import type { Topology } from "../model/topology.ts";
import { allocate } from "./allocate.ts";
import { addressesIn, planBlackout } from "./blackouts.ts";
import { planHostJoin, planHostRemoval } from "./hosts.ts";
import { release } from "./release.ts";
import { applyWrites, type IpamState } from "./state.ts";
import {
  ask,
  hostIn,
  network,
  options,
  shown,
  smallWorld,
  topologyOf,
  treeOf,
  worldOf,
} from "./testdata/world.ts";
import { planTopologyChange } from "./topology-change.ts";
import { usage } from "./usage.ts";

const four = network("four", "10.0.0.0/26", 29);

function change(state: IpamState, next: Topology): string {
  const answer = planTopologyChange(state, next);
  if (answer.kind === "conflict") return answer.conflicts.map(({ name, ip }) => `${name} ${ip}`).join(", ");
  applyWrites(state, answer.writes);
  return answer.writes.map(({ kind }) => kind).join(" ");
}

function give(state: IpamState, ...names: string[]): void {
  for (const name of names) {
    const answer = allocate(state, ask(name), options);
    assert.equal(answer.kind, "allocated");
    if (answer.kind === "allocated") applyWrites(state, answer.writes);
  }
}

test("the same topology again changes nothing but the guards", () => {
  const state = smallWorld("four");
  give(state, "p1");
  assert.equal(change(state, structuredClone(state.topology)), "put-topology bump-guard");
  assert.equal(shown(allocate(state, ask("p1"), options)), "10.0.0.0");
});

test("a group whose prefix moves away from live addresses refuses all, with every one of them", () => {
  const state = smallWorld("four");
  give(state, "p1", "p2");
  const before = state.topology;
  assert.equal(change(state, topologyOf([four], ["b", "a"])), "p1 10.0.0.0, p2 10.0.0.1");
  assert.equal(
    change(state, topologyOf([network("other", "10.0.0.0/26", 29)], ["a", "b"])),
    "p1 10.0.0.0, p2 10.0.0.1",
  );
  assert.equal(state.topology, before);
});

test("empty blocks go where nothing in use stands against it, and hosts of a lost group are assigned anew", () => {
  const state = smallWorld("four");
  give(state, "p1");
  const freed = release(state, { name: "p1" }, { now: 5 });
  if (freed.kind === "released") applyWrites(state, freed.writes);
  const kinds = change(state, topologyOf([four], ["b", "c"]));
  assert.equal(kinds, "delete-block put-topology bump-guard put-host put-host");
  const groups = [...state.hosts.values()].map((host) => host.groups[0]);
  assert.deepEqual(groups, ["c", "b", "b"], "b keeps its host; the smaller one first");
});

test("another block size leaves the old blocks, and new ones keep clear of them", () => {
  const state = smallWorld("four");
  give(state, "p1");
  change(state, topologyOf([network("four", "10.0.0.0/26", 28)], ["a", "b"]));
  assert.equal(shown(allocate(state, ask("p2", { host: "h2" }), options)), "10.0.0.16");
  assert.equal(shown(allocate(state, ask("p2"), options)), "10.0.0.1", "the old block fills up");
});

test("trees that change places take their hosts along", () => {
  const six = network("six", "fd00::/120", 125);
  const [one, two] = [treeOf([four], ["a", "b"]), treeOf([six], ["x"])];
  const state = worldOf({ networks: [four, six], trees: [one, two] }, hostIn("h1", "b", "x"));
  change(state, { networks: [four, six], trees: [two, one] });
  assert.deepEqual(state.hosts.get("h1")?.groups, ["x", "b"]);
});

test("a host joins the smallest group, keeps it, and its removal lets its addresses rest", () => {
  const state = smallWorld("four");
  const join = planHostJoin(state, hostIn("h4"));
  assert.deepEqual([join.host.groups, join.guards], [["b"], ["four"]]);
  applyWrites(state, join.writes);
  const again = planHostJoin(state, { ...hostIn("h4"), agentPort: 9 });
  assert.deepEqual([again.host.groups, again.host.agentPort], [["b"], 9]);
  give(state, "p1", "p2");
  for (let i = 0; i < 3; i++)
    applyWrites(state, planHostRemoval(state, "h1", { since: 2000, limit: 50 }).writes);
  assert.equal(state.addresses.size, 0);
  assert.equal(allocate(state, ask("p3"), options).kind, "unknown-host");
  const other = allocate(state, ask("p3", { host: "h2", tenant: "t" }), options);
  assert.equal(shown(other), "10.0.0.8", "not the block that rests");
});

test("a host without blocks follows its labels and the file; one with blocks stays", () => {
  const { networks, trees } = topologyOf([four], ["a", "b"]);
  const [tree = treeOf([four], ["a"])] = trees;
  const groups = tree.root.groups.map((group) => ({ ...group, assignment: { rack: group.name } }));
  const state = worldOf({ networks, trees: [{ ...tree, root: { ...tree.root, groups } }] });
  const join = (rack: string): void =>
    applyWrites(state, planHostJoin(state, { ...hostIn("h1"), tags: { rack } }).writes);
  const group = (): string | undefined => state.hosts.get("h1")?.groups[0];
  for (const [rack, expected] of [
    ["none", undefined],
    ["b", "b"],
    ["a", "a"],
  ] as const) {
    join(rack);
    assert.equal(group(), expected);
  }
  const listing = (path: string): Topology => ({
    networks,
    trees: [
      {
        ...tree,
        root: {
          ...tree.root,
          groups: groups.map((each) => ({
            ...each,
            hosts: each.path === path ? [{ name: "h1", ips: [] }] : [],
          })),
        },
      },
    ],
  });
  change(state, listing("b"));
  assert.equal(group(), "b");
  give(state, "p1");
  change(state, listing("a"));
  assert.equal(group(), "b", "its pods have addresses of b");
  applyWrites(state, planHostJoin(state, { ...hostIn("h1"), tags: { rack: "a", new: "label" } }).writes);
  assert.equal(group(), "b");
});

test("new labels alone do not move a host to a group that is as small", () => {
  const state = worldOf(topologyOf([four], ["a", "b"]), hostIn("h1", "a"));
  assert.deepEqual(planHostJoin(state, { ...hostIn("h1"), tags: { any: "label" } }).host.groups, ["a"]);
});

test("a blackout names who is inside, and bumps the guards of the networks it touches", () => {
  const state = smallWorld();
  give(state, "p1");
  const cidr = parseCidr("10.0.0.0/8");
  const plan = planBlackout(state, { cidr, reason: "lab" });
  assert.deepEqual(
    addressesIn(state, cidr).map(({ name }) => name),
    ["p1"],
  );
  const bumped = plan.writes.flatMap((write) => (write.kind === "bump-guard" ? [write.network] : []));
  assert.deepEqual(bumped, ["four", "blue"]);
});

test("usage counts blocks and addresses by network, group, host, tenant and segment", () => {
  const state = smallWorld();
  give(state, "p1", "p2");
  const { networks, groups, hosts, tenants } = usage(state);
  const count = { blocks: 1, addresses: 2 };
  assert.deepEqual(networks.get("six"), count);
  assert.deepEqual(groups.get("four")?.get("a"), count);
  assert.deepEqual(hosts.get("h1"), { blocks: 2, addresses: 4 });
  assert.deepEqual(tenants.get("red")?.segments.get(""), { blocks: 2, addresses: 4 });
});
