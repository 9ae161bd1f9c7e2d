import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CniError } from "./cni-error.ts";
import { decodeFrame, encodeReply, frameLength, MAX_REQUEST_BYTES } from "./frame.ts";

test("environment and stdin are told apart", () => {
  const { env, stdin } = decodeFrame(Buffer.from('CNI_COMMAND=ADD\0CNI_ARGS=a=b\0\0{"x":1}'));
  assert.deepEqual(
    [...env],
    [
      ["CNI_COMMAND", "ADD"],
      ["CNI_ARGS", "a=b"],
    ],
  );
  assert.equal(Buffer.from(stdin).toString(), '{"x":1}');
});

test("a length beyond the limit is refused before anything is kept", () => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(MAX_REQUEST_BYTES + 1);
  assert.throws(() => frameLength(head), CniError);
});

test("garbage is decoded or refused, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeFrame(bytes);
      } catch (error) {
        assert.ok(error instanceof CniError);
      }
    }),
    { numRuns: 500 },
  );
});

test("a reply carries exit code, length and text", () => {
  const reply = encodeReply(1, "é");
  assert.deepEqual([reply.readUInt32LE(0), reply.readUInt32LE(4), reply.subarray(8).toString()], [1, 2, "é"]);
});
