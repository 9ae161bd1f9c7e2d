// A check finds every kind of damage that is done to sound records, names it, and finds nothing where none was done.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr } from "../net/cidr.ts";
import { formatIp } from "../net/ip.ts";
import type { Address, Block } from "../model/records.ts";
import { type Slot, takenSlots, withSlots } from "../model/slots.ts";
import { allocate } from "./allocate.ts";
import { checkAtOnce as check } from "./testdata/check-at-once.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { ask, cooldown, smallWorld } from "./testdata/world.ts";

const NOW = 1_000_000;
const checkOptions = { now: NOW, cooldown, garbage: new Map<string, string>() };

type Damage = {
  readonly what: string;
  readonly kinds: readonly string[];
  /** Does it to one address and the block of its first IP. */
  readonly done: (state: IpamState, address: Address, block: Block) => void;
};
const put = (state: IpamState, block: Block): void => state.apply({ kind: "put-block", block });
const onlySlots = (block: Block, isKept: (slot: Slot) => boolean): Block => ({
  ...block,
  slots: withSlots(
    [],
    takenSlots(block.slots).filter(([, slot]) => isKept(slot)),
  ),
});

const damages: readonly Damage[] = [
  {
    what: "the slot is lost",
    kinds: ["address-without-slot"],
    done: (state, { name }, block) =>
      put(
        state,
        onlySlots(block, (slot) => slot.state !== "used" || slot.name !== name),
      ),
  },
  {
    what: "the block is lost",
    kinds: ["address-without-slot"],
    done: (state, _, { cidr }) => state.apply({ kind: "delete-block", cidr }),
  },
  {
    what: "the address record is lost",
    kinds: ["slot-without-address"],
    done: (state, { name }) => state.apply({ kind: "delete-address", name }),
  },
  {
    what: "another record has the address too",
    kinds: ["doubled", "address-without-slot"],
    done: (state, address) => state.apply({ kind: "put-address", address: { ...address, name: "twin" } }),
  },
  {
    what: "the block is another group's",
    kinds: ["outside-prefix"],
    done: (state, { host }, block) => put(state, { ...block, group: host === "h3" ? "a" : "b" }),
  },
  {
    what: "the block is of a group that is not there",
    kinds: ["outside-prefix"],
    done: (state, _, block) => put(state, { ...block, group: "nowhere" }),
  },
  {
    what: "the block is another host's",
    kinds: ["misplaced"],
    done: (state, { host }, block) => put(state, { ...block, host: host === "h1" ? "h2" : "h1" }),
  },
  {
    what: "the host is in another group",
    kinds: ["misplaced"],
    done: (state, { host }) => {
      const known = state.hosts.get(host);
      assert.ok(known);
      const groups = known.groups[0] === "a" ? ["b"] : ["a"];
      state.apply({ kind: "put-host", host: { ...known, groups } });
    },
  },
  {
    what: "the host is unknown",
    kinds: ["leaked", "orphan-block"],
    done: (state, { host }) => state.apply({ kind: "delete-host", name: host }),
  },
  {
    what: "a block lies inside the block",
    kinds: ["overlapping-blocks"],
    done: (state, _, block) =>
      put(state, { ...block, slots: [], cidr: { ...block.cidr, length: block.cidr.length + 1 } }),
  },
  {
    what: "the agent does not know it",
    kinds: ["leaked"],
    done: (state, { host, name, sequence }) =>
      state.apply({
        kind: "put-evidence",
        evidence: { host, missing: [{ name, sequence, since: 5, confirmed: undefined }], claims: [] },
      }),
  },
  {
    what: "a pod on another host has the address",
    kinds: ["doubled"],
    done: (state, { ips: [seat] }) => {
      assert.ok(seat);
      const claim = { name: "other", ip: seat.ip, reason: "in use by another", since: 5 };
      state.apply({ kind: "put-evidence", evidence: { host: "h9", missing: [], claims: [claim] } });
    },
  },
];

/** Pods of three hosts and two tenants. */
const pods = fc.array(
  fc.record({ host: fc.constantFrom("h1", "h2", "h3"), tenant: fc.constantFrom("red", "blue") }),
  { minLength: 1, maxLength: 12 },
);
function worldWith(some: readonly { host: string; tenant: string }[]): IpamState {
  const state = smallWorld();
  for (const [i, pod] of some.entries()) {
    const answer = allocate(state, ask(`p${i}`, pod), { now: NOW - 10, offsetSeed: 0, cooldown });
    if (answer.kind === "allocated") applyWrites(state, answer.writes);
  }
  return state;
}

for (const { what, kinds, done } of damages)
  test(`found: ${what}`, () => {
    fc.assert(
      fc.property(pods, fc.nat(), (some, pick) => {
        const state = worldWith(some);
        assert.deepEqual(check(state, checkOptions), [], "sound before");
        const address = [...state.addresses.values()][pick % state.addresses.size];
        const block = address?.ips[0] && state.blockAt(address.ips[0].ip)?.block;
        assert.ok(address && block);
        done(state, address, block);
        const found = check(state, checkOptions);
        assert.deepEqual([...new Set(found.map(({ kind }) => kind))].sort(), [...kinds].sort());
        const [ip] = address.ips;
        const text = JSON.stringify(found);
        assert.ok(
          [address.name, address.host, ip && formatIp(ip.ip)].some((each) => text.includes(`"${each}"`)),
          "it is named",
        );
        assert.ok(found.every(({ keys }) => keys.length > 0));
      }),
      { numRuns: 25, seed: 3 },
    );
  });

test("what an agent said of an earlier allocation of the name is no finding", () => {
  const state = smallWorld();
  const answer = allocate(state, ask("p"), { now: NOW, offsetSeed: 0, cooldown });
  if (answer.kind === "allocated") applyWrites(state, answer.writes);
  const missing = [{ name: "p", sequence: NOW - 1, since: 5, confirmed: 9 }];
  state.apply({ kind: "put-evidence", evidence: { host: "h1", missing, claims: [] } });
  assert.deepEqual(check(state, checkOptions), []);
});

test("the blocks of a removed host are no finding while they rest", () => {
  const state = smallWorld();
  const cidr = parseCidr("10.0.0.0/29");
  const place = { network: "four", group: "a", host: "gone", tenant: "red", segment: "", sequence: 7 };
  put(state, { cidr, ...place, slots: [undefined, { state: "cooling", since: NOW - 60_000 }] });
  assert.deepEqual(check(state, checkOptions), []);
  const later = check(state, { ...checkOptions, now: NOW + 60_000 });
  assert.deepEqual(
    later.map(({ kind, subject }) => `${kind} ${subject}`),
    ["orphan-block 10.0.0.0/29"],
  );
});

test("records that nobody can read are named with what is wrong", () => {
  const garbage = new Map([["/romana/v3/hosts/h1", "not JSON"]]);
  const [found] = check(smallWorld(), { ...checkOptions, garbage });
  assert.deepEqual(
    [found?.kind, found?.subject, found?.details],
    ["garbage", "/romana/v3/hosts/h1", "not JSON"],
  );
});
