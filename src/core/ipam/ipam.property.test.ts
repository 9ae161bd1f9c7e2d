// Any order of requests, releases, blackouts, reservations, collections, removals and passing time, against a model that knows only
// who holds what.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Cidr,
  cidrOf,
  containsCidr,
  containsIp,
  equalCidr,
  formatCidr,
  hostCidr,
  overlaps,
  sizeOf,
  subnet,
} from "../net/cidr.ts";
import { equalIp, formatIp, type Ip } from "../net/ip.ts";
import type { Address } from "../model/records.ts";
import { adopt } from "./adopt.ts";
import { allocate } from "./allocate.ts";
import { checkAtOnce as check } from "./testdata/check-at-once.ts";
import { planBlackout, planBlackoutRemoval } from "./blackouts.ts";
import { freeBlock } from "./free-space.ts";
import { offersTo } from "./offers.ts";
import { planHostRemoval } from "./hosts.ts";
import { collectEmptyBlocks, release } from "./release.ts";
import { planReservation, planReservationRemoval } from "./reservations.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { networks, request, type Step, steps } from "./testdata/histories.ts";
import { cooldown, hostIn, topologyOf, worldOf } from "./testdata/world.ts";
import type { AllocateRequest, Plan, Preference } from "./types.ts";

type World = { state: IpamState; model: Map<string, Address>; now: number };
const hosts = [hostIn("h1", "a"), hostIn("h2", "a"), hostIn("h3", "b")];
const newWorld = (): World => ({
  state: worldOf(topologyOf(networks, ["a", "b"]), ...hosts),
  model: new Map(),
  now: 1_000_000,
});

/** Kinds of answers that the runs came across: a property that never meets one proves nothing about it. */
const seen = new Set<string>();

const isBlackedOut = (state: IpamState, ip: Ip): boolean =>
  [...state.blackouts.values()].some(({ cidr }) => containsIp(cidr, ip));

const isKept = (state: IpamState, cidr: Cidr): boolean =>
  [...state.reservations.values()].some((each) => overlaps(each.cidr, cidr));
/** Whom the address is kept for; `undefined`: nobody. */
const holderAt = (state: IpamState, ip: Ip): string | undefined =>
  [...state.reservations.values()].find((each) => equalCidr(each.cidr, hostCidr(ip)))?.holder;

function run(world: World, todo: Step): void {
  const { state, model } = world;
  const commit = (plan: Plan): void => applyWrites(state, plan.writes);
  switch (todo.do) {
    case "allocate":
      return runAllocate(world, todo.request, todo.seed);
    case "release": {
      const sequence = (model.get(todo.name)?.sequence ?? 5) + (todo.stale ? 1 : 0);
      const answer = release(state, { name: todo.name, sequence }, { now: world.now });
      const expected = !model.has(todo.name) ? "not-found" : todo.stale ? "stale" : "released";
      assert.equal(answer.kind, expected);
      if (answer.kind !== "released") return;
      commit(answer);
      model.delete(todo.name);
      return;
    }
    case "wait":
      world.now += todo.ms;
      return;
    case "collect":
      return commit(collectEmptyBlocks(state, { now: world.now, cooldown, limit: 3 }));
    case "blackout":
      return commit(
        todo.on
          ? planBlackout(state, { cidr: todo.cidr, reason: "" })
          : planBlackoutRemoval(state, todo.cidr),
      );
    case "reserve":
      return commit(
        todo.on
          ? planReservation(state, todo.reservation)
          : planReservationRemoval(state, todo.reservation.cidr),
      );
    case "remove-host":
      return runRemoval(world, todo.host);
  }
}

/** Longer than the cooldown, shorter than some waits. */
const quarantine = 35_000;

/** In the smallest steps; the host comes back at once. */
function runRemoval({ state, model, now }: World, host: string): void {
  const record = state.hosts.get(host);
  assert.ok(record);
  for (let i = 0; i < 200; i++) {
    const { writes } = planHostRemoval(state, host, { since: now + quarantine, limit: i === 0 ? 9 : 3 });
    assert.ok(i === 0 || writes.length <= 3);
    applyWrites(state, writes);
    if (writes.length === 0) break;
  }
  assert.ok([...state.blocksOfHost(host)].every(({ occupancy }) => occupancy.used === 0));
  for (const [key, address] of model) if (address.host === host) model.delete(key);
  state.apply({ kind: "put-host", host: record });
}

function runAllocate({ state, model, now }: World, request: AllocateRequest, offsetSeed: number): void {
  const held = model.get(request.name);
  const preference: Preference = {
    isPreferred: (block) => (block.length + offsetSeed) % 2 === 0,
    avoidsOthers: offsetSeed > 2,
  };
  const answer = allocate(state, request, { now, offsetSeed, cooldown, preference });
  seen.add(answer.kind);
  if (held) {
    const same =
      held.host === request.host && held.tenant === request.tenant && held.segment === request.segment;
    const has = (request.ips ?? []).every((ip) =>
      held.ips.some((each) => formatIp(each.ip) === formatIp(ip)),
    );
    assert.equal(answer.kind, same && has ? "existing" : "name-taken");
    if (answer.kind === "existing") assert.deepEqual(answer.address, held);
    return;
  }
  const kept = state.keptFor(request);
  if (answer.kind === "exhausted")
    return assert.equal(
      anyLeft(state, request, answer.family, (ip) => !isQuarantined(state, request, ip, now)),
      false,
    );
  if (answer.kind !== "allocated")
    return assert.ok(request.ips ?? kept[0], `${answer.kind} without a wanted address`);
  for (const { ip } of answer.address.ips) {
    assert.equal(isBlackedOut(state, ip), false);
    assert.equal(isQuarantined(state, request, ip, now), false);
    assert.equal(holderAt(state, ip) ?? request.name, request.name, "kept for another");
    const isWanted = [...(request.ips ?? []), ...kept.map(({ cidr }) => cidr.ip)].some((each) =>
      equalIp(each, ip),
    );
    if (isWanted) continue;
    assert.equal(isKept(state, hostCidr(ip)), false, "chosen freely from a reservation");
    if (isCooling(state, ip, now))
      assert.equal(
        anyLeft(
          state,
          request,
          ip.family,
          (each) => !isCooling(state, each, now) && !isQuarantined(state, request, each, now),
        ),
        false,
        "others are free",
      );
  }
  if (kept[0] && !request.ips)
    assert.ok(answer.address.ips.some(({ ip }) => kept.some(({ cidr }) => equalIp(cidr.ip, ip))));
  for (const ip of request.ips ?? [])
    assert.ok(answer.address.ips.some((each) => formatIp(each.ip) === formatIp(ip)));
  assert.deepEqual(
    answer.address.ips.map(({ ip }) => ip.family),
    [4, 6],
  );
  assert.deepEqual(
    [...answer.guards],
    answer.address.ips.map((ip) => ip.network),
  );
  applyWrites(state, answer.writes);
  model.set(request.name, answer.address);
}

/** Address by address: one that is not blacked out, not used, and not in a block that a reservation touches or somebody else uses. */
function anyLeft(
  state: IpamState,
  request: AllocateRequest,
  family: number,
  also: (ip: Ip) => boolean = () => true,
): boolean {
  const host = state.hosts.get(request.host);
  assert.ok(host);
  return offersTo(state, host, request.tenant).some(({ prefix, network: { blockMask } }) => {
    if (prefix.ip.family !== family) return false;
    return every(prefix).some((ip) => {
      if (isBlackedOut(state, ip) || state.addressAt(ip) || !also(ip)) return false;
      const blocks = [...state.blocks.values()];
      const found = blocks.find(({ block }) => containsIp(block.cidr, ip));
      const cidr = found?.block.cidr ?? cidrOf(ip, blockMask);
      if (isKept(state, cidr)) return false;
      if (!found) return !blocks.some(({ block }) => overlaps(block.cidr, cidr));
      if (found.occupancy.used === 0) return true;
      const { host: owner, tenant, segment } = found.block;
      return owner === request.host && tenant === request.tenant && segment === request.segment;
    });
  });
}

/** Of a removed host, or in a block of one, which only its owner gets before its rest begins. */
function isQuarantined(state: IpamState, asker: AllocateRequest, ip: Ip, now: number): boolean {
  const found = state.blockAt(ip);
  if (!found) return false;
  const { block, occupancy } = found;
  const isWanted = (asker.ips ?? []).some((each) => equalIp(each, ip));
  if (isWanted && block.host === asker.host) return false;
  const slot = block.slots[Number(ip.value - block.cidr.ip.value)];
  if (slot?.state === "cooling" && slot.since > now) return true;
  const isOwner =
    block.host === asker.host && block.tenant === asker.tenant && block.segment === asker.segment;
  return !isOwner && occupancy.restingSince > now;
}

function isCooling(state: IpamState, ip: Ip, now: number): boolean {
  const block = state.blockAt(ip)?.block;
  const slot = block?.slots[Number(ip.value - block.cidr.ip.value)];
  return slot?.state === "cooling" && slot.since > now - cooldown;
}

const every = (cidr: Cidr): Ip[] =>
  Array.from({ length: Number(sizeOf(cidr)) }, (_, i) => ({
    family: cidr.ip.family,
    value: cidr.ip.value + BigInt(i),
  }));

function checkInvariants({ state, model, now }: World): void {
  const found = check(state, { now, cooldown, garbage: new Map() });
  // Nobody collects in time here: what a removed host left may have rested for long.
  assert.deepEqual(
    found.filter(({ kind }) => kind !== "orphan-block"),
    [],
    "a check finds nothing",
  );
  assert.deepEqual([...state.addresses.entries()].sort(), [...model.entries()].sort(), "nothing is lost");
  const ips = new Set<string>();
  for (const address of model.values())
    for (const { ip, network: net, block: cidr } of address.ips) {
      assert.ok(!ips.has(formatIp(ip)), "no address twice");
      ips.add(formatIp(ip));
      assert.equal(state.addressAt(ip), state.addresses.get(address.name));
      const block = state.blocks.get(formatCidr(cidr))?.block;
      assert.ok(block && block === state.blockAt(ip)?.block && containsIp(cidr, ip));
      assert.deepEqual(
        [block.network, block.host, block.tenant, block.segment],
        [net, address.host, address.tenant, address.segment],
      );
    }
  checkBlocks(state, ips.size);
}

function checkBlocks(state: IpamState, held: number): void {
  const blocks = [...state.blocks.values()].map(({ block }) => block);
  let used = 0;
  for (const block of blocks) {
    const prefix = state.group(0, block.group)?.prefixes[block.network];
    assert.ok(prefix && containsCidr(prefix, block.cidr), "inside its group's prefix");
    used += block.slots.filter((slot) => slot?.state === "used").length;
    assert.equal(blocks.filter((other) => overlaps(other.cidr, block.cidr)).length, 1);
  }
  assert.equal(used, held, "every used slot has its address");
  for (const { name: net, blockMask } of networks)
    for (const group of ["a", "b"]) {
      const prefix = state.group(0, group)?.prefixes[net];
      assert.ok(prefix);
      const naive = Array.from({ length: 2 ** (blockMask - prefix.length) }, (_, i) =>
        subnet(prefix, blockMask, BigInt(i)),
      )
        .filter((cidr) => !isKept(state, cidr) && !blocks.some((block) => overlaps(block.cidr, cidr)))
        .find((cidr) => every(cidr).some((ip) => !isBlackedOut(state, ip)));
      assert.deepEqual(freeBlock(state.spaces[prefix.ip.family], prefix, blockMask, 0), naive);
    }
}

/** Everything that can be read of the indexes, in an order that does not depend on history. */
function dump(state: IpamState): unknown {
  const keys = (set: Iterable<{ key: string }>): string[] => [...set].map(({ key }) => key).sort();
  const blocks = [...state.blocks.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return {
    blocks,
    spaces: state.spaces,
    owned: blocks.map(({ block }) => [keys(state.owned(block).open), keys(state.owned(block).cooling)]),
    empty: networks.flatMap(({ name: net }) => ["a", "b"].map((group) => keys(state.empty(net, group)))),
    hosts: ["h1", "h2", "h3"].map((host) => keys(state.blocksOfHost(host))),
  };
}

function rebuilt(state: IpamState): IpamState {
  const copy = worldOf(state.topology, ...state.hosts.values());
  for (const { block } of [...state.blocks.values()].reverse()) copy.apply({ kind: "put-block", block });
  for (const address of state.addresses.values()) copy.apply({ kind: "put-address", address });
  for (const blackout of state.blackouts.values()) copy.apply({ kind: "put-blackout", blackout });
  for (const reservation of state.reservations.values()) copy.apply({ kind: "put-reservation", reservation });
  return copy;
}

test("whatever happens in whatever order, no rule of address management is broken", () => {
  fc.assert(
    fc.property(steps, (todo) => {
      const world = newWorld();
      for (const each of todo) {
        run(world, each);
        checkInvariants(world);
      }
      assert.deepEqual(dump(world.state), dump(rebuilt(world.state)), "indexes equal a rebuild");
    }),
    { numRuns: 40, seed: 11 },
  );
  const refused = [
    "exhausted",
    "ip-kept",
    "ip-outside",
    "ip-quarantined",
    "ip-reserved",
    "ip-taken",
    "kept-elsewhere",
    "name-taken",
  ];
  assert.deepEqual([...seen].sort(), ["allocated", "existing", ...refused].sort());
});

test("adoption after total loss brings back every live address, and none is given twice", () => {
  fc.assert(
    fc.property(steps, fc.array(request, { maxLength: 20 }), (before, after) => {
      const old = newWorld();
      // The store that is lost says which blocks had one address: adoption makes them of the usual size.
      for (const each of before) if (each.do !== "reserve") run(old, each);
      const state = worldOf(topologyOf(networks, ["a", "b"]), ...hosts);
      for (const host of ["h1", "h2", "h3"]) {
        const endpoints = [...old.model.values()]
          .filter((address) => address.host === host)
          .map((address) => ({ ...address, ips: address.ips.map(({ ip }) => ip) }));
        const answer = adopt(state, host, endpoints, { now: 5 });
        assert.deepEqual(answer.conflicts, []);
        applyWrites(state, answer.writes);
        assert.deepEqual(adopt(state, host, endpoints, { now: 6 }).writes, [], "idempotent");
      }
      const world = { state, model: new Map(old.model), now: old.now };
      checkInvariants(world);
      for (const each of after) runAllocate(world, each, 0);
      checkInvariants(world);
    }),
    { numRuns: 40, seed: 12 },
  );
});
