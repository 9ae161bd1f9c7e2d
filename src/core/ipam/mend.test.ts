// What is made again of the other records is what was there.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr } from "../net/cidr.ts";
import { takenSlots, withSlots } from "../model/slots.ts";
import { allocate } from "./allocate.ts";
import { mendAddress, mendBlock } from "./mend.ts";
import { release } from "./release.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { ask, options, smallWorld } from "./testdata/world.ts";

/** A world in which some were given addresses and some of them gave theirs back. */
function lived(names: readonly number[]): IpamState {
  const state = smallWorld();
  for (const [i, n] of names.entries()) {
    const name = `p${n}`;
    if (state.addresses.has(name)) {
      const answer = release(state, { name }, { now: options.now });
      if (answer.kind === "released") applyWrites(state, answer.writes);
      continue;
    }
    const answer = allocate(
      state,
      ask(name, { host: `h${1 + (i % 3)}`, tenant: n % 2 ? "red" : "blue" }),
      options,
    );
    if (answer.kind === "allocated") applyWrites(state, answer.writes);
  }
  return state;
}
const history = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 });

test("a block is made again of the addresses in it: owner, place and every used slot", () => {
  fc.assert(
    fc.property(history, (names) => {
      const state = lived(names);
      for (const { block, occupancy } of [...state.blocks.values()]) {
        const used = takenSlots(block.slots).filter(([, slot]) => slot.state === "used");
        state.apply({ kind: "delete-block", cidr: block.cidr });
        const mended = mendBlock(state, block.cidr);
        state.apply({ kind: "put-block", block });
        if (occupancy.used === 0) assert.equal(mended, undefined);
        else {
          assert.ok(mended && mended.sequence <= block.sequence);
          const { sequence } = mended;
          assert.deepEqual(mended, { ...block, slots: withSlots([], used), sequence });
        }
      }
    }),
  );
});

test("an address is made again of the blocks that hold its name", () => {
  fc.assert(
    fc.property(history, (names) => {
      const state = lived(names);
      for (const address of [...state.addresses.values()]) {
        state.apply({ kind: "delete-address", name: address.name });
        assert.deepEqual(mendAddress(state, address.name), address);
        state.apply({ kind: "put-address", address });
      }
    }),
  );
});

test("a name that no block holds, and a prefix in which no address lies, are not made up", () => {
  const state = lived([1, 2, 3]);
  assert.equal(mendAddress(state, "nobody"), undefined);
  assert.equal(mendBlock(state, parseCidr("10.0.0.56/29")), undefined);
});

test("nobody is given an address from what is kept apart, until it is not any more", () => {
  const state = smallWorld("four");
  state.quarantine([parseCidr("10.0.0.0/28")]);
  const first = allocate(state, ask("a"), options);
  assert.ok(first.kind === "allocated");
  assert.equal(first.address.ips[0]?.ip.value, parseCidr("10.0.0.16/29").ip.value);
  state.quarantine([]);
  const second = allocate(state, ask("b"), options);
  assert.ok(second.kind === "allocated");
  assert.equal(second.address.ips[0]?.ip.value, parseCidr("10.0.0.0/29").ip.value);
});
