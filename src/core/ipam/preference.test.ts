import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate } from "./allocate.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { ask, options, shown, smallWorld } from "./testdata/world.ts";
import type { Preference } from "./types.ts";

const [first, second] = ["10.0.0.0/29", "10.0.0.8/29"];
const apart: Preference = { isPreferred: () => false, avoidsOthers: true };

/** Two blocks of one owner, with an address of each in use. */
function twoBlocks(): IpamState {
  const state = smallWorld("four");
  for (const name of ["p0", "p1"]) {
    const answer = allocate(state, ask(name), { ...options, preference: apart });
    if (answer.kind === "allocated") applyWrites(state, answer.writes);
  }
  return state;
}

const rows: [text: string, preferred: string[], avoidsOthers: boolean, ip: string][] = [
  ["a preferred block comes first", [second], false, "10.0.0.9"],
  ["of two preferred ones that which has been there longest", [first, second], false, "10.0.0.1"],
  ["where none is preferred any will do", [], false, "10.0.0.1"],
  ["where the others are avoided a new one is made", [], true, "10.0.0.16"],
  ["but not while a preferred one has room", [second], true, "10.0.0.9"],
];
for (const [text, preferred, avoidsOthers, ip] of rows)
  test(`blocks of the asker: ${text}`, () => {
    const preference: Preference = { isPreferred: (block) => preferred.includes(block), avoidsOthers };
    assert.equal(shown(allocate(twoBlocks(), ask("p"), { ...options, preference })), ip);
  });

test("where there is no new block the avoided ones are filled, all of them, before anybody is refused", () => {
  const state = smallWorld("four");
  for (let i = 0; i < 32; i++) {
    const answer = allocate(state, ask(`p${i}`), { ...options, preference: apart });
    assert.ok(answer.kind === "allocated", `${i}: ${answer.kind}`);
    applyWrites(state, answer.writes);
  }
  assert.equal(allocate(state, ask("more"), { ...options, preference: apart }).kind, "exhausted");
});
