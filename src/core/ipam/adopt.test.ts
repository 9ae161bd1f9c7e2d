import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../net/ip.ts";
import type { Endpoint } from "../model/records.ts";
import { adopt } from "./adopt.ts";
import { allocate } from "./allocate.ts";
import { release } from "./release.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { ask, hostIn, network, options, shown, smallWorld, topologyOf, worldOf } from "./testdata/world.ts";

const pod = (name: string, ips: string, more: Partial<Endpoint> = {}): Endpoint => ({
  ...{ name, ips: ips.split(" ").map((ip) => parseIp(ip)), tenant: "red", segment: "", sequence: 7 },
  ...more,
});

/** Adopts and commits; what the conflicts say. */
function take(state: IpamState, host: string, ...endpoints: Endpoint[]): string[] {
  const { writes, conflicts } = adopt(state, host, endpoints, { now: 50 });
  applyWrites(state, writes);
  return conflicts.map(({ name, ip, reason }) => `${name} ${ip} ${reason}`);
}

test("a live pod gets its record, its block and its sequence number back", () => {
  const state = smallWorld();
  assert.deepEqual(take(state, "h1", pod("p", "10.0.0.10 fd00::9"), pod("q", "10.0.0.11 fd00::a")), []);
  assert.deepEqual([...state.blocks.keys()].sort(), ["10.0.0.8/29", "fd00::8/125"]);
  assert.equal(shown(allocate(state, ask("p"), options)), "10.0.0.10 fd00::9");
  assert.equal(release(state, { name: "p", sequence: 6 }, { now: 60 }).kind, "stale");
  assert.equal(release(state, { name: "p", sequence: 7 }, { now: 60 }).kind, "released");
  const next = allocate(state, ask("new"), options);
  assert.equal(shown(next), "10.0.0.8 fd00::8", "beside them, in the block that is there");
});

test("a live pod stays the Kubernetes pod that it says it is, for policies mean that one", () => {
  const state = smallWorld("four");
  take(state, "h1", pod("p", "10.0.0.1", { pod: "shop/db-0" }));
  assert.equal(state.addresses.get("p")?.pod, "shop/db-0");
});

test("twice is as once", () => {
  const state = smallWorld();
  take(state, "h1", pod("p", "10.0.0.10 fd00::9"));
  assert.deepEqual(adopt(state, "h1", [pod("p", "10.0.0.10 fd00::9")], { now: 99 }), {
    ...{ writes: [], guards: [], conflicts: [] },
  });
});

test("who is there first keeps the address; the other is named", () => {
  const state = smallWorld("four");
  assert.deepEqual(take(state, "h1", pod("p", "10.0.0.1"), pod("q", "10.0.0.1")), [
    "q 10.0.0.1 in use by p on h1",
  ]);
  assert.deepEqual(take(state, "h2", pod("r", "10.0.0.1"), pod("p", "10.0.0.9")), [
    "r 10.0.0.1 in use by p on h1",
    "p 10.0.0.9 the store gives this name to a newer holder on h1",
  ]);
  assert.deepEqual([...state.addresses.keys()], ["p"]);
});

test("an address in another's block is kept from others, and named", () => {
  const state = smallWorld("four");
  take(state, "h1", pod("p", "10.0.0.0"));
  assert.deepEqual(take(state, "h2", pod("q", "10.0.0.1")), [
    "q 10.0.0.1 inside a block of host h1, tenant red, segment ",
  ]);
  assert.equal(shown(allocate(state, ask("new"), options)), "10.0.0.2");
});

test("a host without blocks moves into the group that its pods come from", () => {
  const state = smallWorld("four");
  assert.deepEqual(take(state, "h1", pod("p", "10.0.0.33")), []);
  assert.deepEqual(state.hosts.get("h1")?.groups, ["b"]);
  assert.deepEqual(take(state, "h1", pod("q", "10.0.0.1")), [
    "q 10.0.0.1 in the prefix of group a, which its host is not in",
  ]);
  assert.equal(state.addressAt(parseIp("10.0.0.1"))?.name, "q", "protected all the same");
});

test("what no group or network holds is named, and so is an unknown host", () => {
  const topology = topologyOf([network("four", "10.0.0.0/26", 29)], ["a", "b", "c"]);
  const state = worldOf(topology, hostIn("h1", "a"));
  assert.deepEqual(take(state, "h1", pod("p", "192.0.2.1"), pod("q", "10.0.0.63")), [
    "p 192.0.2.1 in no network",
    "q 10.0.0.63 in no group of network four",
  ]);
  assert.deepEqual(take(state, "none", pod("p", "10.0.0.1")), ["p 10.0.0.1 host none is unknown"]);
  assert.equal(state.addresses.size, 0);
});

test("newer evidence of the same host replaces what an older store says", () => {
  const state = smallWorld("four");
  take(state, "h1", pod("p", "10.0.0.1"));
  assert.deepEqual(take(state, "h1", pod("p", "10.0.0.2", { sequence: 9 })), []);
  assert.equal(shown(allocate(state, ask("p"), options)), "10.0.0.2");
  const old = state.blockAt(parseIp("10.0.0.1"))?.block.slots[1];
  assert.deepEqual(old, { state: "cooling", since: 50 });
  assert.equal(take(state, "h1", pod("p", "10.0.0.3", { sequence: 8 })).length, 1, "older evidence does not");
});

test("an empty block of another becomes the pod's; sequence numbers go on from the adopted one", () => {
  const state = smallWorld("four");
  take(state, "h2", pod("old", "10.0.0.0", { tenant: "green" }));
  const freed = release(state, { name: "old" }, { now: 5 });
  if (freed.kind === "released") applyWrites(state, freed.writes);
  assert.deepEqual(take(state, "h1", pod("p", "10.0.0.1", { sequence: 5000 })), []);
  const next = allocate(state, ask("q"), { ...options, now: 10 });
  assert.equal(shown(next), "10.0.0.2");
  assert.ok(next.kind === "allocated" && next.address.sequence > 5000);
});
