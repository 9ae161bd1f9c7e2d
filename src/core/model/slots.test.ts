import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Slot, type Slots, takenSlots, withSlots } from "./slots.ts";

const slot: fc.Arbitrary<Slot> = fc.record({ state: fc.constant("cooling" as const), since: fc.nat(9) });
const some = fc.array(fc.tuple(fc.nat(20), slot), { maxLength: 5 });

test("slots are what was put into them, each offset's last, and equal where that is equal", () => {
  fc.assert(
    fc.property(fc.array(some, { maxLength: 6 }), (steps) => {
      const model = new Map<number, Slot>();
      let slots: Slots = [];
      for (const step of steps) {
        const before = slots.slice();
        const next = withSlots(slots, step);
        assert.deepEqual(slots, before, "a value is not changed");
        for (const [offset, each] of step) model.set(offset, each);
        slots = next;
      }
      const taken = [...model].sort(([a], [b]) => a - b);
      assert.deepEqual(takenSlots(slots), taken);
      assert.deepEqual(slots, withSlots([], taken));
    }),
  );
});
