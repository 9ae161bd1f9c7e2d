// Which lab is meant, and whether its program lives.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { chooseLab, isOwned, type LabState, ownProcess } from "./state.ts";

test("the only lab is meant where none is named; else the named one", () => {
  assert.equal(chooseLab(["00ff"], ""), "00ff");
  assert.equal(chooseLab(["00ff", "1234"], "1234"), "1234");
});

const refused: readonly (readonly [sentence: string, ids: string[], wanted: string, code: string])[] = [
  ["no lab", [], "", "LAB_UNKNOWN"],
  ["an unknown lab", ["00ff"], "1234", "LAB_UNKNOWN"],
  ["one of several", ["00ff", "1234"], "", "LAB_AMBIGUOUS"],
];
for (const [sentence, ids, wanted, code] of refused)
  test(`${sentence} is refused`, () =>
    assert.throws(
      () => chooseLab(ids, wanted),
      (error) => error instanceof InputError && error.code === code,
    ));

const stateOf = (owner: LabState["owner"]): LabState => ({
  id: "00ff",
  directory: "",
  createdAt: 0,
  topologyFile: "",
  tls: false,
  owner,
  daemon: "",
  hosts: [],
  routers: [],
  pods: [],
});

test("a lab is at work while the very process that made it lives", async () => {
  const own = await ownProcess();
  assert.equal(await isOwned(stateOf(own)), true);
  assert.equal(await isOwned(stateOf({ ...own, began: "1" })), false, "another process of the same pid");
  assert.equal(await isOwned(stateOf({ pid: 2 ** 22 + 1, began: "1" })), false, "no such process");
  assert.equal(await isOwned(stateOf(undefined)), false, "kept");
});
