import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../net/ip.ts";
import { allocate } from "./allocate.ts";
import { isDrained, leftIn, planDrain, planUndrain } from "./drain.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { free, give, ask, network, options, topologyOf, hostIn, worldOf } from "./testdata/world.ts";
import { planTopologyChange } from "./topology-change.ts";

const [old, young] = [network("old", "10.0.0.0/27", 29), network("young", "10.1.0.0/27", 29)];
const world = (): IpamState => worldOf(topologyOf([old, young], ["a"]), hostIn("h1", "a"), hostIn("h2", "a"));
const drain = (state: IpamState): void => applyWrites(state, planDrain(state, old).writes);

test("a drained network gives nothing more, not of known blocks, nor by number; the next network does", () => {
  const state = world();
  assert.deepEqual([give(state, "a"), give(state, "b", { host: "h2" })], ["10.0.0.0", "10.0.0.8"]);
  drain(state);
  assert.equal(isDrained(state, old), true);
  assert.deepEqual([give(state, "c"), give(state, "d", { host: "h2" })], ["10.1.0.0", "10.1.0.8"]);
  assert.equal(give(state, "e", { ips: [parseIp("10.0.0.3")] }), "ip-reserved");
  assert.equal(give(state, "a"), "10.0.0.0", "who has an address keeps it");
  assert.deepEqual(
    [...leftIn(state, "old")],
    [
      ["h1", 1],
      ["h2", 1],
    ],
  );
});

test("where all networks are drained the refusal says so", () => {
  const state = worldOf(topologyOf([old], ["a"]), hostIn("h1", "a"));
  drain(state);
  const answer = allocate(state, ask("a"), options);
  assert.ok(answer.kind === "exhausted");
  assert.deepEqual(answer.tried, [{ network: "old", group: "a", drained: true }]);
});

test("a network that is opened again gives what it has left", () => {
  const state = world();
  give(state, "a");
  drain(state);
  applyWrites(state, planUndrain(state, old).writes);
  assert.equal(give(state, "b"), "10.0.0.1");
});

test("a network goes only when it is empty, and with it its drain", () => {
  const state = world();
  give(state, "a");
  drain(state);
  const next = topologyOf([young], ["a"]);
  const early = planTopologyChange(state, next);
  assert.ok(early.kind === "conflict");
  assert.deepEqual(
    early.conflicts.map(({ name, ip }) => `${name} ${ip}`),
    ["a 10.0.0.0"],
  );
  free(state, "a");
  const change = planTopologyChange(state, next);
  assert.ok(change.kind === "applied");
  applyWrites(state, change.writes);
  assert.deepEqual([state.blocks.size, state.blackouts.size], [0, 0]);
});
