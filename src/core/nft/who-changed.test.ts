import assert from "node:assert/strict";
import { test } from "node:test";
import { createWriter } from "../netlink/writer.ts";
import { encodeBatch } from "./encode.ts";
import type { NftChange } from "./plan.ts";
import { TABLE } from "./types.ts";
import { whoChanged } from "./who-changed.ts";

/** As the kernel tells of them: the messages of a batch, each with the port of who sent it. */
function told(port: number, ...changes: NftChange[]): Uint8Array {
  const writer = createWriter();
  encodeBatch(writer, changes, 1, "commit");
  const bytes = writer.take().slice();
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += (view.getUint32(at, true) + 3) & ~3)
    view.setUint32(at + 12, port, true);
  return bytes;
}
const chainAdd: NftChange = {
  kind: "chain-add",
  chain: { name: "c", comment: "", hook: undefined, rules: [] },
};

test("whoever changed the table is named, once, in whatever order", () => {
  const bytes = Buffer.concat([
    told(7, { kind: "table-add" }, chainAdd),
    told(9, chainAdd),
    told(7, chainAdd),
  ]);
  assert.deepEqual([...whoChanged(bytes, TABLE)], [7, 9]);
});

test("what happens in tables of others is nobody's doing", () => {
  assert.deepEqual([...whoChanged(told(7, { kind: "table-add" }, chainAdd), "filter")], []);
});

test("what is cut short is malformed", () => {
  const bytes = told(7, { kind: "table-add" }, chainAdd);
  for (const length of [3, 17, 30, bytes.length - 5])
    assert.throws(() => whoChanged(bytes.subarray(0, length), TABLE), RangeError);
});
