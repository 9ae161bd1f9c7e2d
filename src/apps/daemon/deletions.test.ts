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
    [0, 2, MANY],
  );
});

test("none is forgotten of which older events may still come", () => {
  const deletions = noted();
  deletions.passed(0);
  assert.equal(deletions.revisionOf("key-1"), 1);
});
