import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodePolicy } from "../model/node-policy.ts";
import { denialsOf } from "./denials.ts";
import { policySetName } from "./ruleset-words.ts";

const chain = (name: string, policy: string) =>
  [name, { name, policy, direction: "ingress", rules: [] }] as const;
const policy: NodePolicy = {
  host: { name: "h1", ips: [], ingress: ["c3"], egress: undefined },
  pods: new Map([
    ["p1", { id: "p1", ips: [], ingress: ["c1"], egress: undefined }],
    ["p2", { id: "p2", ips: [], ingress: ["c1", "c2"], egress: ["c2"] }],
    ["p3", { id: "p3", ips: [], ingress: ["c1b"], egress: undefined }],
    ["p4", { id: "p4", ips: [], ingress: undefined, egress: undefined }],
  ]),
  chains: new Map([
    chain("c1", "shop/db"),
    chain("c1b", "shop/db"),
    chain("c2", "all"),
    chain("c3", "hosts"),
  ]),
  sets: new Map(),
};
const told = (most: number, ...counts: [string, number][]): string[] =>
  denialsOf(
    policy,
    counts.map(([chain, packets]) => ({ chain, packets })),
    most,
  ).map(({ direction, policies, packets }) => `${direction} ${policies} ${packets}`);
const ofPods = (...names: string[]): string => policySetName("ingress", names);

test("what was dropped is told by the policies that isolate, whatever pods are under them", () => {
  const counts: [string, number][] = [
    [ofPods("c1"), 3],
    [ofPods("c1b"), 4],
    [ofPods("c1", "c2"), 5],
    [policySetName("egress", ["c2"]), 1],
    ["host-ingress", 2],
  ];
  assert.deepEqual(told(10, ...counts), [
    "ingress shop/db 7",
    "ingress shop/db,all 5",
    "egress all 1",
    "ingress hosts 2",
  ]);
});

test("a rule of no policy is none of its denials", () => {
  assert.deepEqual(told(10, ["from-pod", 9], ["ingress-of-before", 9]), []);
});

test("however many lists of policies there are, those with the fewest packets are told together", () => {
  assert.deepEqual(told(1, [ofPods("c1"), 3], [ofPods("c1", "c2"), 5], ["host-ingress", 2]), [
    "ingress shop/db,all 5",
    "ingress (others) 5",
  ]);
});
