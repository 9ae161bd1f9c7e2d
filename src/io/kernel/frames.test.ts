import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BugError } from "../../base/errors.ts";
import { encodeFrame, type Frame, frameReader, texts, u32 } from "./frames.ts";

test("law: frames come out as they went in, however the stream is cut", () => {
  const frame = fc.record(
    { op: fc.nat(255), id: fc.nat(0xffffffff), payload: fc.uint8Array({ maxLength: 40 }) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 6 }),
      fc.array(fc.nat(80), { maxLength: 12 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(({ op, id, payload }) => encodeFrame(op, id, payload)));
        const seen: Frame[] = [];
        const read = frameReader((each) => seen.push(each));
        let at = 0;
        for (const cut of cuts) {
          read(bytes.subarray(at, at + cut));
          at += cut;
        }
        read(bytes.subarray(at));
        assert.deepEqual(
          seen.map(({ op, id, payload }) => ({ op, id, payload: Uint8Array.from(payload) })),
          frames,
        );
      },
    ),
  );
});

test("a length that cannot be is a bug, not a wait for gigabytes", () => {
  for (const length of [0, 4, 0xffffffff])
    assert.throws(() => frameReader(() => assert.fail("no frame"))(u32(length)), BugError);
});

test("numbers are little-endian, texts end in a zero", () => {
  assert.deepEqual([...u32(1, -1)], [1, 0, 0, 0, 255, 255, 255, 255]);
  assert.deepEqual(texts("a", "").toString("latin1"), "a\0\0");
});
