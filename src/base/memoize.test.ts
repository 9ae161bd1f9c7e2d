import assert from "node:assert/strict";
import { test } from "node:test";
import { memoize } from "./memoize.ts";

test("what is made of an object is made once; of an equal one anew", () => {
  let count = 0;
  const made = memoize((of: { readonly n: number }) => ({ n: of.n, count: ++count }));
  const one = { n: 1 };
  assert.equal(made(one), made(one));
  assert.deepEqual(made({ n: 1 }), { n: 1, count: 2 });
});
