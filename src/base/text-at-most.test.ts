import assert from "node:assert/strict";
import { test } from "node:test";
import { textAtMost } from "./text-at-most.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

test("a character that came in two pieces is whole", async () => {
  assert.equal(await textAtMost(9, pieces(Buffer.from("żółć"), 1)), "żółć");
});

test("one byte too many is refused, whatever the pieces", async () => {
  for (const size of [1, 4, 9])
    await assert.rejects(textAtMost(8, pieces(new Uint8Array(9), size)), /more than 8 bytes/);
});
