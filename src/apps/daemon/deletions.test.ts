import assert from "node:assert/strict";
import { test } from "node:test";
import { Deletions } from "./deletions.ts";

const MANY = 10_001;
const noted = (): Deletions => {
  const deletions = new Deletions();
  for (let revision = 1; revision <= MANY; revision++) deletions.note(`key-${revision}`, revision);
  return deletions;
};

test("a key is known by its last deletion", () => {
  const deletions = new Deletions();
  deletions.note("k", 3);
  deletions.note("k", 7);
  assert.deepEqual([deletions.revisionOf("k"), deletions.revisionOf("other")], [7, 0]);
});

test("of very many the oldest is forgotten", () => {
  const deletions = noted();
  deletions.passed(MANY);
  assert.deepEqual(
    [1, 2, MANY].map((i) => deletions.revisionOf(`key-${i}`)),
    [1, 2, MANY],
    "its last deletion may be that of the oldest",
  );
  assert.equal(deletions.revisionOf("other"), 1);
});

test("of what went before all was read it is known that it went by then", () => {
  const deletions = noted();
  deletions.listed(2 * MANY);
  deletions.note("k", 2 * MANY + 1);
  assert.deepEqual(
    ["key-7", "other", "k"].map((key) => deletions.revisionOf(key)),
    [2 * MANY, 2 * MANY, 2 * MANY + 1],
  );
});

test("none is forgotten of which older events may still come", () => {
  const deletions = noted();
  deletions.passed(0);
  assert.equal(deletions.revisionOf("key-1"), 1);
});
