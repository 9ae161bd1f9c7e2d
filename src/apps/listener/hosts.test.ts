// From nodes to hosts: what is kept of a node, what it becomes, and what is changed at the daemon.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostReply } from "../../core/api/types.ts";
import type { KubeObject } from "../../io/kube/types.ts";
import { desiredHosts } from "./desired-hosts.ts";
import { planHosts } from "./plan-hosts.ts";
import { type NodeView, readNode } from "./read-node.ts";

const node = (name: string, changes: Partial<NodeView> = {}): NodeView => ({
  ...{ name, uid: `uid-${name}`, created: "2026-01-01T00:00:00Z", labels: {} },
  ...{ addresses: ["10.0.0.1"], unschedulable: false, ready: true, networkUnavailable: "" },
  ...changes,
});

const objects: readonly (readonly [string, KubeObject, Partial<NodeView>])[] = [
  [
    "internal addresses, and not those that others use",
    {
      metadata: { name: "n" },
      status: {
        addresses: [
          { type: "Hostname", address: "n" },
          { type: "ExternalIP", address: "192.0.2.1" },
          { type: "InternalIP", address: "10.0.0.1" },
        ],
      },
    },
    { addresses: ["10.0.0.1"] },
  ],
  ["cordon", { metadata: { name: "n" }, spec: { unschedulable: true } }, { unschedulable: true }],
  [
    "readiness",
    { metadata: { name: "n" }, status: { conditions: [{ type: "Ready", status: "True" }] } },
    { ready: true },
  ],
  [
    "readiness that nobody knows, as none",
    { metadata: { name: "n" }, status: { conditions: [{ type: "Ready", status: "Unknown" }] } },
    { ready: false },
  ],
  [
    "nothing, where nothing is said",
    { metadata: { name: "n" }, status: { addresses: null } },
    { addresses: [] },
  ],
];
for (const [what, object, wanted] of objects)
  test(`of a node is kept: ${what}`, () => {
    const view = readNode(object);
    assert.deepEqual({ ...view, ...wanted }, view);
  });

const addresses: readonly (readonly [string, readonly string[], string[]])[] = [
  ["one family", ["10.0.0.1"], ["10.0.0.1"]],
  ["both families, in the node's order", ["fd00:0::1", "10.0.0.1"], ["fd00::1", "10.0.0.1"]],
  ["several of a family: the first", ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"], ["10.0.0.1", "fd00::1"]],
  ["one that is no address, beside one that is", ["10.0.0", "10.0.0.2"], ["10.0.0.2"]],
];
for (const [what, given, ips] of addresses)
  test(`addresses of a host: ${what}`, () => {
    const { hosts, faults } = desiredHosts([node("n", { addresses: given })]);
    assert.deepEqual(hosts.get("n")?.ips, ips);
    assert.deepEqual(faults, []);
  });

const ZONE = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"] as const;
const labels: readonly (readonly [string, Record<string, string>, Record<string, string>])[] = [
  ["the new generation is the old one too", { [ZONE[0]]: "a" }, { [ZONE[0]]: "a", [ZONE[1]]: "a" }],
  ["the old generation is the new one too", { [ZONE[1]]: "a" }, { [ZONE[0]]: "a", [ZONE[1]]: "a" }],
  ["the new one counts", { [ZONE[0]]: "a", [ZONE[1]]: "b" }, { [ZONE[0]]: "a", [ZONE[1]]: "a" }],
  ["others are as they are", { rack: "1", "example.com/x": "" }, { rack: "1", "example.com/x": "" }],
];
for (const [what, given, tags] of labels)
  test(`labels of a host: ${what}`, () => {
    assert.deepEqual(desiredHosts([node("n", { labels: given })]).hosts.get("n")?.tags, tags);
  });

const bad: readonly (readonly [string, NodeView[], string[], RegExp])[] = [
  ["no address", [node("n", { addresses: [] })], [], /^n NoAddress no address of type InternalIP: /],
  ["an address that is none", [node("n", { addresses: ["n"] })], [], /^n NoAddress .* in n: /],
  [
    "an address that an older node has",
    [node("a", { created: "2026-02-02T00:00:00Z" }), node("b")],
    ["b"],
    /^a AddressTaken 10.0.0.1: node b, which is older/,
  ],
  [
    "one address of two that an older node has",
    [node("a"), node("b", { addresses: ["10.0.0.2", "fd00::1"] }), node("c", { addresses: ["fd00::1"] })],
    ["a", "b"],
    /^c AddressTaken fd00::1: node b/,
  ],
  ["a label that is none", [node("n", { labels: { "a/b/c": "x" } })], ["n"], /^n InvalidLabel label a\/b\/c/],
  ["a value that is none", [node("n", { labels: { rack: "a b" } })], ["n"], /^n InvalidLabel label rack/],
];
for (const [what, nodes, hosts, told] of bad)
  test(`a node with ${what} is told of, and the others are known`, () => {
    const desired = desiredHosts(nodes);
    assert.deepEqual([...desired.hosts.keys()].sort(), hosts);
    const texts = desired.faults.map(({ node: name, reason, message }) => `${name} ${reason} ${message}`);
    assert.equal(texts.length, 1);
    assert.match(texts[0] ?? "", told);
  });

test("a label that is none is left out", () => {
  const { hosts } = desiredHosts([node("n", { labels: { rack: "a b", row: "1" } })]);
  assert.deepEqual(hosts.get("n")?.tags, { row: "1" });
});

const known = (name: string, changes: Partial<HostReply> = {}): HostReply => ({
  ...{ name, ip: "10.0.0.1", ips: ["10.0.0.1"], agent_port: 0, tags: {}, groups: [] },
  k8s_info: { made_by: "romana-listener", uid: `uid-${name}`, ready: true, unschedulable: false },
  ...changes,
});

/** The daemon's hosts, the nodes, and the plan: what is removed, put and foreign. */
const plans: readonly (readonly [string, HostReply[], NodeView[], string[], string[], string[]])[] = [
  ["nothing where all is as it should be", [known("a")], [node("a")], [], [], []],
  ["a host for a new node", [], [node("a")], [], ["a"], []],
  ["the host away of a node that is gone", [known("a")], [], ["a"], [], []],
  ["a new address", [known("a")], [node("a", { addresses: ["10.0.0.2"] })], [], ["a"], []],
  ["a new label", [known("a")], [node("a", { labels: { rack: "1" } })], [], ["a"], []],
  ["a label that is gone", [known("a", { tags: { rack: "1" } })], [node("a")], [], ["a"], []],
  ["a cordon", [known("a")], [node("a", { unschedulable: true })], [], ["a"], []],
  ["a node that was made anew under its name", [known("a")], [node("a", { uid: "other" })], [], ["a"], []],
  ["nothing of hosts that others made", [known("a", { k8s_info: {} })], [], [], [], []],
  [
    "nothing of a host of the name that others made",
    [known("a", { k8s_info: {} })],
    [node("a")],
    [],
    [],
    ["a"],
  ],
  ["nothing of a node that lost its addresses", [known("a")], [node("a", { addresses: [] })], [], [], []],
  ["nothing of what only the agent knows", [known("a", { agent_port: 9607 })], [node("a")], [], [], []],
];
for (const [what, observed, nodes, remove, put, foreign] of plans)
  test(`the plan: ${what}`, () => {
    const names = new Set(nodes.map(({ name }) => name));
    const plan = planHosts(desiredHosts(nodes).hosts, observed, (name) => names.has(name));
    assert.deepEqual([plan.remove, plan.put.map(({ name }) => name), plan.foreign], [remove, put, foreign]);
  });
