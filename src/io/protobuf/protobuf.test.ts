import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Message } from "./protobuf.ts";
import { readerOf } from "./protobuf-read.ts";
import { writerOf } from "./protobuf-write.ts";

const Inner: Message = { name: [1, "string"], great: [300, "unsigned"] };
const Outer: Message = {
  data: [2, "bytes"],
  count: [1, "integer"],
  isSo: [3, "bool"],
  inner: [4, Inner],
  list: [16, Inner, "repeated"],
};
const read = readerOf<object>(Outer);
const write = writerOf<object>(Outer);

const plain = (least: bigint, most: bigint): fc.Arbitrary<number | bigint> =>
  fc
    .oneof(
      fc.bigInt(least, most),
      fc.bigInt(-300n, 300n),
      fc.constantFrom(least, most, 127n, 128n, 2n ** 53n),
    )
    .filter((value) => value >= least)
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const like = { noNullPrototype: true } as const;
const inner = fc.record({ name: fc.string({ unit: "binary" }), great: plain(0n, 2n ** 64n - 1n) }, like);
const outer = fc.record(
  {
    data: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
    count: plain(-(2n ** 63n), 2n ** 63n - 1n),
    isSo: fc.boolean(),
    inner: fc.option(inner),
    list: fc.array(inner, { maxLength: 4 }),
  },
  like,
);

test("what is read of what was written is that", () => {
  fc.assert(fc.property(outer, (values) => assert.deepEqual(read(write(values)), values)));
});

test("bytes that end too early, or are spoilt, are refused or read as something else, and never break more", () => {
  fc.assert(
    fc.property(outer, fc.nat(), fc.nat(255), (values, place, byte) => {
      const bytes = Buffer.from(write(values));
      if (bytes.length === 0) return;
      const at = place % bytes.length;
      for (const spoilt of [bytes.subarray(0, at), bytes.with(at, byte)])
        try {
          read(Buffer.from(spoilt));
        } catch (error) {
          assert.equal((error as { code?: string }).code, "PROTOBUF");
        }
    }),
  );
});

/** Of the encoding's documentation: field 1 with 150, field 2 with "testing". */
const written: readonly (readonly [what: string, bytes: string, values: object])[] = [
  ["a number", "089601", { count: 150 }],
  ["bytes", "120774657374696e67", { data: Buffer.from("testing") }],
  ["a negative number", "08feffffffffffffffff01", { count: -2 }],
  ["a message without fields that is there", "2200", { inner: {} }],
  ["a zero that is there", "0800", { count: 0 }],
  ["text for a number that is too great for one", "08ffffffffffffffff7f", { count: "9223372036854775807" }],
];
for (const [what, bytes, values] of written)
  test(`${what} is written as ${bytes}`, () => assert.equal(write(values).toString("hex"), bytes));

const ABSENT = { data: Buffer.alloc(0), count: 0, isSo: false, inner: null, list: [] };
const unusual: readonly (readonly [what: string, bytes: string, values: object])[] = [
  ["nothing", "", ABSENT],
  [
    "fields that are not known, of every wire type",
    "2a0178" + "3001" + "39" + "00".repeat(8) + "3d" + "00".repeat(4),
    ABSENT,
  ],
  ["a known field of another wire type", "0a0178", ABSENT],
  ["the later of two", "08010802", { ...ABSENT, count: 2 }],
];
for (const [what, bytes, values] of unusual)
  test(`${what}: read`, () => assert.deepEqual(read(Buffer.from(bytes, "hex")), values));

const refused: readonly (readonly [what: string, bytes: string])[] = [
  ["bytes that end amid a number", "0896"],
  ["a field longer than the bytes", "120774"],
  ["a field longer than the message it is in", "2202" + "0a03616263"],
  ["a number of eleven bytes", "08" + "ff".repeat(10) + "01"],
  ["a group, which nobody writes any more", "0b"],
  ["an unknown field that ends behind the bytes", "3900"],
];
for (const [what, bytes] of refused)
  test(`${what}: refused`, () => assert.throws(() => read(Buffer.from(bytes, "hex")), { code: "PROTOBUF" }));
