import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../net/ip.ts";
import { type Change, type Link, ROMANA_PROTOCOL } from "../netlink/types.ts";
import { desiredRules, type Pod, podRoute } from "./node-routes.ts";
import { type NodeDesired, type NodeObserved, planNode } from "./plan-node.ts";
import { byKey, tableOf } from "./route-table.ts";

const pods: readonly Pod[] = [
  { ip: parseIp("10.0.0.1"), index: 70, mac: "02:00:00:00:00:01" },
  { ip: parseIp("fd00::1"), index: 70, mac: "02:00:00:00:00:01" },
  { ip: parseIp("10.0.0.2"), index: 71, mac: "02:00:00:00:00:02" },
];
const routes = pods.map(({ ip, index }) => podRoute(ip, index, 10));
const rules = desiredRules(10, [4, 6]);
const link = (index: number, up = true): Link => ({
  ...{ index, up, name: `rom${index}`, kind: "veth", mtu: 1500, mac: "", peerIndex: 0, operational: true },
});
const links = [link(70), link(71)];
const whole: NodeObserved = { links, rules, table: tableOf(routes) };
const wanted: NodeDesired = { rules, routes: byKey(routes), pods };
const nothing: NodeDesired = { rules: [], routes: byKey([]), pods: [] };
const show = (change: Change): string => {
  if ("route" in change) return `${change.kind} ${change.route.nextHops[0]?.index}`;
  if ("rule" in change) return `${change.kind} ${change.rule.family}`;
  return "index" in change ? `${change.kind} ${change.index}` : change.kind;
};
const plan = (observed: Partial<NodeObserved>, desired = wanted): string[] =>
  planNode(desired, { ...whole, ...observed }, new Set()).map(show);

test("the plan of equal states is empty", () => {
  assert.deepEqual(plan({}), []);
});

test("a pair that went down comes up, then its neighbours and routes, and nothing of the other's", () => {
  assert.deepEqual(plan({ links: [link(70, false), link(71)], table: tableOf(routes.slice(2)) }), [
    "link-up 70",
    "neighbour-replace 70",
    "neighbour-replace 70",
    "route-replace 70",
    "route-replace 70",
  ]);
});

test("a pair that is gone is not asked to come up", () => {
  assert.deepEqual(plan({ links: [link(71)] }), []);
});

test("from nothing: rules, neighbours, routes", () => {
  const kinds = plan({ rules: [], table: tableOf([]) }).map((text) => text.split(" ")[0]);
  assert.deepEqual([...new Set(kinds)], ["rule-add", "neighbour-replace", "route-replace"]);
});

test("to nothing: routes, then rules", () => {
  assert.deepEqual(
    [...new Set(plan({}, nothing).map((text) => text.split(" ")[0]))],
    ["route-delete", "rule-delete"],
  );
});

test("another table: its rules and routes are there before the old rules go", () => {
  const there = pods.map(({ ip, index }) => podRoute(ip, index, 20));
  const moved = { rules: desiredRules(20, [4, 6]), routes: byKey(there), pods };
  const steps = plan({ table: tableOf([]) }, moved);
  assert.deepEqual(steps.slice(0, 2), ["rule-add 4", "rule-add 6"]);
  assert.deepEqual(steps.slice(-2), ["rule-delete 4", "rule-delete 6"]);
});

test("nothing of somebody else's is in the plan", () => {
  const theirs = { ...podRoute(parseIp("10.9.9.9"), 5, 10), protocol: 4 };
  const foreign = {
    ...whole,
    rules: [...rules, { family: 4, priority: 5, table: 10, protocol: 3 } as const],
  };
  const changes = planNode(nothing, { ...foreign, table: tableOf([theirs]) }, new Set());
  for (const change of changes) assert.ok("rule" in change && change.rule.protocol === ROMANA_PROTOCOL);
});
