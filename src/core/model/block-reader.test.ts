import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr } from "../net/cidr.ts";
import { createBlockReader, type ReadBlock } from "./block-reader.ts";
import { decodeBlock, encodeBlock } from "./codec.ts";
import { blockKey } from "./keys.ts";
import { type Slot, type Slots, withSlots } from "./slots.ts";

/** Some steps from here numbers are not exact any more. */
const FIRST = Number.MAX_SAFE_INTEGER - 20;
const cidrs = ["10.0.0.0/28", "10.0.0.16/28"].map((text) => parseCidr(text));
const odd = ['b","sequence":1,"slots":{', "}}", "é{"];
const slot: fc.Arbitrary<Slot> = fc.oneof(
  fc.record({
    state: fc.constant("used" as const),
    name: fc.constantFrom("a", "b", ...odd),
    sequence: fc.nat(3),
  }),
  fc.record({ state: fc.constant("cooling" as const), since: fc.nat(3) }),
);
const SPOILT = [
  "",
  ",",
  "}",
  '"',
  " ",
  '"x":{',
  ',"3":1',
  ',"3":{}',
  ',"03":1',
  ',"16":1',
  ',"sequence":2,"slots":{',
  "}}",
];
/** What becomes of a block: a slot more, now and then another owner; and what becomes of its text on the way. */
const step = fc.record({
  cidr: fc.constantFrom(...cidrs),
  host: fc.constantFrom("h", "h", "h", "h", ...odd),
  offset: fc.nat(15),
  slot,
  spoil: fc.option(fc.record({ at: fc.nat(60), text: fc.constantFrom(...SPOILT) }), { freq: 2 }),
});

const told = (read: ReadBlock, key: string, text: string): unknown => {
  try {
    return read(key, text);
  } catch (error) {
    return String(error);
  }
};

test("whatever becomes of blocks and their texts, what is read is what decoding each text makes of it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const read = createBlockReader(1 + (steps.length % 2));
      const slots = new Map<string, Slots>();
      for (const [i, { cidr, host, offset, slot, spoil }] of steps.entries()) {
        const key = blockKey(cidr);
        const own = withSlots(slots.get(key) ?? [], [[offset, slot]]);
        slots.set(key, own);
        const owner = { network: "n", group: "g", host, tenant: "t", segment: "" };
        const text = encodeBlock({ cidr, ...owner, sequence: FIRST + i, slots: own });
        // Counted from the end, where reading goes on.
        const at = Math.max(0, text.length - (spoil?.at ?? 0));
        const given = spoil ? text.slice(0, at) + spoil.text + text.slice(at) : text;
        assert.deepEqual(told(read, key, given), told(decodeBlock, key, given), given);
      }
    }),
    { numRuns: 500, seed: 5 },
  );
});

test("a slot more is read without reading the others", (t) => {
  const read = createBlockReader();
  const key = "/romana/v3/blocks/10.0.0.0/28";
  const textOf = (slots: string): string =>
    `{"cidr":"10.0.0.0/28","network":"n","group":"g","host":"h","tenant":"t","segment":"","sequence":1796000000000123,"slots":{${slots}}}`;
  // Of the size that sequence numbers have.
  const before = read(key, textOf('"0":["a",1]'));
  const parse = t.mock.method(JSON, "parse");
  const after = read(key, textOf('"0":["a",1],"1":["b",2]'));
  assert.deepEqual(
    parse.mock.calls.map((call) => call.arguments[0] as unknown),
    ['{"1":["b",2]}'],
  );
  assert.equal(after.slots[0], before.slots[0]);
  assert.deepEqual(after.slots[1], { state: "used", name: "b", sequence: 2 });
});
