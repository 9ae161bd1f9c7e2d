// The number of an allocation, by which a late release is told from one of the present life: it must not come again for the same name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../net/ip.ts";
import { allocate } from "./allocate.ts";
import { collectEmptyBlocks } from "./release.ts";
import { applyWrites, type IpamState } from "./state.ts";
import {
  ask,
  cooldown,
  free,
  hostIn,
  network,
  options,
  smallWorld,
  topologyOf,
  worldOf,
} from "./testdata/world.ts";
import type { AllocateRequest } from "./types.ts";

/** Of an allocation by a daemon whose clock says `now`. */
function numberOf(state: IpamState, request: AllocateRequest, now = options.now): number {
  const answer = allocate(state, request, { ...options, now });
  assert.ok(answer.kind === "allocated");
  applyWrites(state, answer.writes);
  return answer.address.sequence;
}

const AHEAD = 1_800_000;

test("a name that moves between two blocks that are ahead of the clock gets no number twice", () => {
  const state = smallWorld("four");
  numberOf(state, ask("p1", { tenant: "t1" }), AHEAD);
  numberOf(state, ask("p2", { tenant: "t2" }), AHEAD);
  const numbers = ["t1", "t2", "t1", "t2", "t1", "t2"].map((tenant) => {
    const number = numberOf(state, ask("mover", { tenant }));
    free(state, "mover");
    return number;
  });
  assert.equal(new Set(numbers).size, numbers.length, String(numbers));
});

test("blocks 127 apart do not count alike, though a clock that was set back has left both ahead at the same count", () => {
  const state = worldOf(topologyOf([network("v4", "10.0.0.0/16", 29)], ["a"]), hostIn("h1", "a"));
  const first = ask("p1", { tenant: "t1", ips: [parseIp("10.0.0.0")] });
  const second = ask("p2", { tenant: "t2", ips: [parseIp("10.0.3.248")] });
  assert.notEqual(numberOf(state, first, AHEAD), numberOf(state, second, AHEAD));
});

test("a block that is claimed again does not count from the start", () => {
  const state = smallWorld("four");
  const before = numberOf(state, ask("p1"), 100);
  free(state, "p1");
  applyWrites(state, collectEmptyBlocks(state, { now: 90_000, cooldown, limit: 9 }).writes);
  const after = numberOf(state, ask("p1"), 90_000);
  assert.ok(before >= 100_000 && before < 231_071 && after >= 90_000_000, `${before}, then ${after}`);
});
