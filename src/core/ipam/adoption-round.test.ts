import assert from "node:assert/strict";
import { test } from "node:test";
import {
  anyReported,
  owedHosts,
  planAsk as planAskAt,
  planLoss as planLossOf,
  planOpen,
  planPoliciesKnown,
  planReported,
  unseenFrom,
} from "./adoption-round.ts";
import { planHostRemoval } from "./hosts.ts";
import { applyWrites, createIpamState, type IpamState } from "./state.ts";
import { give, hostIn, smallWorld } from "./testdata/world.ts";
import type { Plan } from "./types.ts";

type Step = (state: IpamState) => Plan;
const after = (...steps: Step[]): IpamState => {
  const state = smallWorld();
  for (const step of steps) applyWrites(state, step(state).writes);
  return state;
};
const reported =
  (host: string): Step =>
  (state) =>
    planReported(state, host, true);
const planAsk: Step = (state) => planAskAt(state, 40 + state.adoption.round);
const planLoss: Step = (state) => planLossOf(state, false);
const planPolicyLoss: Step = (state) => planLossOf(state, true);
const isForced: Step = (state) => planOpen(state, "force");

/** Each row: what was done, what the store says then. */
const rows: readonly (readonly [string, readonly Step[], object])[] = [
  ["a store that no daemon was started on says nothing", [], { round: 0, state: "open" }],
  ["a daemon that starts asks", [planAsk], { round: 1, state: "asked", isNew: true }],
  ["a new cluster is open from its first round on", [planOpen], { round: 1, state: "open" }],
  [
    "the next one, too",
    [planAsk, planAsk],
    { round: 2, state: "asked", first: { round: 1, revision: 41 }, isNew: true },
  ],
  ["a store is new until it is open", [planAsk, planOpen, planAsk], { round: 2, state: "asked" }],
  ["who starts on an open store begins a round", [planOpen, planAsk], { round: 2, state: "asked" }],
  ["a loss closes", [planOpen, planLoss], { round: 1, state: "lost" }],
  ["a loss is found while it is waited for", [planOpen, planAsk, planLoss], { round: 2, state: "lost" }],
  ["a start does not undo a loss", [planOpen, planLoss, planAsk], { round: 2, state: "lost" }],
  ["the wait ends", [planAsk, planLoss, planOpen], { round: 1, state: "open" }],
  ["the operator's word opens", [planAsk, planLoss, isForced], { round: 1, state: "open", by: "force" }],
  ["and is kept", [planAsk, isForced, planLoss], { round: 1, state: "open", by: "force" }],
  ["until a daemon starts", [planAsk, isForced, planAsk, planLoss], { round: 2, state: "lost" }],
  ["it may come when all is open", [planOpen, isForced], { round: 1, state: "open", by: "force" }],
  [
    "that policies were lost may be heard after the rest",
    [planOpen, planLoss, planPolicyLoss],
    { round: 1, state: "lost", policies: "lost" },
  ],
  [
    "who had none does not take that back",
    [planOpen, planPolicyLoss, planLoss],
    { round: 1, state: "lost", policies: "lost" },
  ],
  [
    "it outlives the wait, and a start",
    [planOpen, planPolicyLoss, planOpen, planAsk],
    { round: 2, state: "asked", policies: "lost" },
  ],
  [
    "until all are told",
    [planOpen, planPolicyLoss, planOpen, planPoliciesKnown],
    { round: 1, state: "open" },
  ],
  ["or the operator says so", [planOpen, planPolicyLoss, isForced], { round: 1, state: "open", by: "force" }],
];
for (const [what, steps, says] of rows)
  test(what, () => {
    assert.deepEqual(after(...steps).adoption, says);
  });

test("a loss fails what was planned without knowing of it, in every network", () => {
  const state = after(planOpen);
  const bumped = planLoss(state).writes.flatMap((write) =>
    write.kind === "bump-guard" ? write.network : [],
  );
  assert.deepEqual(
    bumped,
    state.topology.networks.map(({ name }) => name),
  );
  assert.deepEqual(planLoss(after(planOpen, planLoss)).writes, []);
});

test("hosts owe a report in each round; what they told in it counts also when a loss is found later in it", () => {
  const hosts = owedHosts(after(planAsk)).sort();
  const [first = "", ...others] = hosts;
  assert.ok(others.length > 0);
  const told = after(planAsk, reported(first));
  assert.deepEqual([owedHosts(told).sort(), anyReported(told)], [others, true]);
  assert.deepEqual(owedHosts(after(planAsk, reported(first), planLoss)).sort(), others);
  const next = after(planAsk, reported(first), planOpen, planAsk);
  assert.deepEqual([owedHosts(next).sort(), anyReported(next)], [hosts, false]);
});

test("what a host can have seen ends where the first daemon asked, until it reports to one that has", () => {
  const from = (...steps: Step[]): number | undefined => {
    const state = after(...steps);
    return unseenFrom(state, "h1", 40 + state.adoption.round);
  };
  assert.equal(from(planOpen), undefined);
  assert.equal(from(planOpen, planAsk), 42);
  assert.equal(from(planOpen, planAsk, planAsk, planAsk), 42);
  assert.equal(from(planOpen, planAsk, reported("h1")), undefined);
  assert.equal(
    from(planOpen, planAsk, reported("h1"), planAsk),
    undefined,
    "it may have followed that one since",
  );
  assert.equal(from(planOpen, planAsk, reported("h1"), planOpen, planAsk), 43);
  assert.equal(from(planOpen, planAsk, planLoss), undefined, "known already");
});

test("a report is not written twice, nor where nobody waits, nor where not all of it could be adopted", () => {
  const writes = (state: IpamState, host: string): number => planReported(state, host, false).writes.length;
  const [first = ""] = owedHosts(after(planAsk));
  assert.deepEqual([writes(after(planAsk), first), writes(after(planAsk, reported(first)), first)], [1, 0]);
  assert.equal(writes(after(planOpen), first), 0);
  assert.equal(writes(after(planAsk), "unknown"), 0);
  const empty = createIpamState();
  applyWrites(empty, [{ kind: "put-host", host: hostIn("h1") }, ...planAsk(empty).writes]);
  assert.equal(writes(empty, "h1"), 0);
});

test("a removed host owes nothing, though its blocks are still there, and reports again when it comes again", () => {
  const state = after(planAsk);
  const [host] = [...state.hosts.values()];
  assert.ok(host);
  const { name } = host;
  give(state, "pod", { host: name });
  applyWrites(state, planReported(state, name, true).writes);
  const step = (): void => applyWrites(state, planHostRemoval(state, name, { since: 0, limit: 40 }).writes);
  step();
  assert.ok(owedHosts(state).includes(name), "its addresses are not known to be dead");
  step();
  assert.ok([...state.blocksOfHost(name)].length > 0 && !owedHosts(state).includes(name));
  applyWrites(state, [{ kind: "put-host", host }]);
  assert.ok(owedHosts(state).includes(name));
});

test("a host that nobody knows, but that told of something alive, is waited for: until it is known and tells again, or is removed, or the wait is ended", () => {
  const told = [planAsk, planLoss, reported("stranger"), reported("stranger")];
  assert.ok(owedHosts(after(...told)).includes("stranger"));
  const known: Step = () => ({ writes: [{ kind: "put-host", host: hostIn("stranger") }], guards: [] });
  assert.ok(owedHosts(after(...told, known)).includes("stranger"), "what it told is not adopted by that");
  const removed: Step = (state) => planHostRemoval(state, "stranger", { since: 0, limit: 40 });
  for (const end of [[known, reported("stranger")], [removed], [isForced, planAsk]])
    assert.ok(!owedHosts(after(...told, ...end)).includes("stranger"));
});
