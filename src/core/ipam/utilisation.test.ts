// Counting by subtraction agrees with looking at every address.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { containsIp, containsCidr, formatCidr, overlaps, subnet } from "../net/cidr.ts";
import { allocate } from "./allocate.ts";
import { planBlackout } from "./blackouts.ts";
import { ipAt } from "./choose.ts";
import { describeAddress } from "./describe-address.ts";
import { planHostRemoval } from "./hosts.ts";
import { release } from "./release.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { type Step, steps } from "./testdata/histories.ts";
import { cooldown, hostIn, networks, topologyOf, worldOf } from "./testdata/world.ts";
import { utilisation } from "./utilisation.ts";

const small = networks.slice(0, 1);
const newState = (): IpamState =>
  worldOf(topologyOf(small, ["a", "b"]), hostIn("h1", "a"), hostIn("h3", "b"));

/** What histories do, as far as it changes what is used; time passes with each. */
function run(state: IpamState, todo: Step, now: number): void {
  if (todo.do === "allocate") {
    const answer = allocate(state, todo.request, { now, offsetSeed: todo.seed, cooldown });
    if (answer.kind === "allocated") applyWrites(state, answer.writes);
  } else if (todo.do === "release") {
    const answer = release(state, { name: todo.name }, { now });
    if (answer.kind === "released") applyWrites(state, answer.writes);
  } else if (todo.do === "blackout" && todo.on) {
    applyWrites(state, planBlackout(state, { cidr: todo.cidr, reason: "" }).writes);
  } else if (todo.do === "remove-host") {
    const host = state.hosts.get(todo.host);
    for (let i = 0; i < 2; i++)
      applyWrites(state, planHostRemoval(state, todo.host, { since: now + 300_000, limit: 100 }).writes);
    if (host) state.apply({ kind: "put-host", host });
  }
}

test("law: the row of a group is what its addresses say one by one", () => {
  fc.assert(
    fc.property(steps, (todo) => {
      const state = newState();
      let now = 1_000_000;
      for (const each of todo) run(state, each, (now += 7000));
      const { groups, tenants } = utilisation(state, { now, cooldown });
      assert.deepEqual(
        groups.map(({ group }) => group),
        ["", "a", "b"],
      );
      for (const row of groups) {
        const states = Array.from(
          { length: Number(row.size) },
          (_, i) => describeAddress(state, ipAt(row.prefix, i), { now, cooldown }).state,
        );
        const count = (wanted: string): number => states.filter((each) => each === wanted).length;
        assert.deepEqual(
          [row.used, row.cooling, row.quarantined, Number(row.reserved), Number(row.free)],
          ["used", "cooling", "quarantined", "reserved", "free"].map(count),
        );
        const inside = [...state.blocks.values()].filter(({ block }) => containsCidr(row.prefix, block.cidr));
        assert.equal(row.blocks, inside.length);
        assertLargest(state, row.prefix, row.largestFree);
      }
      const used = [...tenants.values()].reduce((sum, tally) => sum + tally.used, 0);
      assert.equal(used, groups[0]?.used);
    }),
    { numRuns: 60, seed: 5 },
  );
});

/** By trying every prefix, the shortest first. */
function assertLargest(
  state: IpamState,
  prefix: Parameters<typeof subnet>[0],
  largest: Parameters<typeof subnet>[0] | undefined,
): void {
  const taken = [...state.blocks.values()].map(({ block }) => block.cidr);
  for (const { cidr } of state.blackouts.values()) taken.push(cidr);
  for (let length = prefix.length; length <= 32; length++)
    for (let i = 0n; i < 1n << BigInt(length - prefix.length); i++) {
      const cidr = subnet(prefix, length, i);
      if (taken.some((each) => overlaps(each, cidr))) continue;
      assert.equal(largest?.length, length, `${formatCidr(cidr)} is free`);
      return;
    }
  assert.equal(largest, undefined);
}

test("of an address: its block, group, holder, and since when", () => {
  const state = newState();
  const request = { name: "p", host: "h3", tenant: "red", segment: "db", pod: "red/p" };
  const answer = allocate(state, request, { now: 5000, offsetSeed: 0, cooldown });
  assert.ok(answer.kind === "allocated");
  applyWrites(state, answer.writes);
  const [seat] = answer.address.ips;
  assert.ok(seat);
  const options = { now: 6000, cooldown };
  const said = describeAddress(state, seat.ip, options);
  assert.deepEqual([said.state, said.network, said.group], ["used", "four", "b"]);
  assert.ok(said.since !== undefined && said.since >= 5000 && said.since < 5132);
  assert.deepEqual([said.holder, said.block && containsIp(said.block.cidr, seat.ip)], [answer.address, true]);
  const free = describeAddress(state, ipAt(seat.block, 3), options);
  assert.deepEqual([free.state, free.since, free.holder], ["free", undefined, undefined]);
  const outside = describeAddress(state, { family: 4, value: 5n }, options);
  assert.deepEqual([outside.state, outside.network, outside.group], ["outside", undefined, undefined]);
});
