import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import { allocate } from "./allocate.ts";
import { collectEmptyBlocks, release } from "./release.ts";
import { applyWrites, type IpamState } from "./state.ts";
import {
  ask,
  cooldown,
  hostIn,
  network,
  options,
  shown,
  smallWorld,
  topologyOf,
  treeOf,
  worldOf,
} from "./testdata/world.ts";
import type { AllocateOptions, AllocateRequest, Allocation } from "./types.ts";

function give(state: IpamState, request: AllocateRequest, more: Partial<AllocateOptions> = {}): Allocation {
  const answer = allocate(state, request, { ...options, ...more });
  if (answer.kind === "allocated") applyWrites(state, answer.writes);
  return answer;
}

function free(state: IpamState, name: string, now = options.now): void {
  const answer = release(state, { name }, { now });
  assert.equal(answer.kind, "released");
  if (answer.kind === "released") applyWrites(state, answer.writes);
}

/** Gives addresses until refused; how many there were. */
function fill(state: IpamState, prefix: string, more: Partial<AllocateRequest> = {}): number {
  for (let i = 0; i < 1000; i++) if (give(state, ask(`${prefix}${i}`, more)).kind !== "allocated") return i;
  return 1000;
}

test("a pod gets one address of each family, from its rack's prefix, lowest first", () => {
  const state = smallWorld();
  assert.equal(shown(give(state, ask("p1"))), "10.0.0.0 fd00::");
  assert.equal(shown(give(state, ask("p2"))), "10.0.0.1 fd00::1");
  assert.equal(shown(give(state, ask("p3", { host: "h3" }))), "10.0.0.32 fd00::20");
});

test("another host, tenant or segment gets another block", () => {
  const state = smallWorld("four");
  const rows: [Partial<AllocateRequest>, string][] = [
    [{}, "10.0.0.0"],
    [{ host: "h2" }, "10.0.0.8"],
    [{ tenant: "green" }, "10.0.0.16"],
    [{ segment: "db" }, "10.0.0.24"],
    [{}, "10.0.0.1"],
  ];
  for (const [i, [more, ip]] of rows.entries()) assert.equal(shown(give(state, ask(`p${i}`, more))), ip);
  const full = give(state, ask("p9", { tenant: "sixth" }));
  const place = { network: "four", group: "a" };
  const tried = [{ ...place, drained: false }];
  assert.deepEqual(full, { kind: "exhausted", family: 4, tenant: "sixth", tried, ...place });
});

test("the tenant's own network first, then the open ones", () => {
  const state = smallWorld("four", "blue");
  assert.equal(shown(give(state, ask("p1", { tenant: "blue" }))), "10.1.0.0");
  assert.equal(shown(give(state, ask("p2"))), "10.0.0.0", "not for others");
  assert.equal(fill(state, "b", { tenant: "blue" }), 7 + 24);
  assert.equal(shown(give(state, ask("p3", { tenant: "blue" }))), "exhausted");
});

test("dual stack gives both families or none", () => {
  const state = worldOf(
    topologyOf([network("four", "10.0.0.0/28", 29), network("six", "fd00::/127", 127)], ["a"]),
    hostIn("h1", "a"),
  );
  assert.equal(fill(state, "p"), 2);
  const answer = give(state, ask("more"));
  assert.equal(answer.kind === "exhausted" && answer.network, "six");
  assert.equal(
    [...state.blocks.values()].reduce((sum, { occupancy }) => sum + occupancy.used, 0),
    4,
  );
});

test("families may come from different trees, each by its own order", () => {
  const [four, six] = [network("four", "10.0.0.0/28", 29), network("six", "fd00::/120", 125)];
  const trees = [treeOf([four], ["x", "y"]), treeOf([six], ["z"])];
  const state = worldOf(
    { networks: [four, six], trees },
    hostIn("h1", "y", "z"),
    hostIn("h2", undefined, "z"),
  );
  assert.equal(shown(give(state, ask("p1"))), "10.0.0.8 fd00::");
  assert.equal(shown(give(state, ask("p2", { host: "h2" }))), "fd00::8");
});

test("the same holder gets the same address; the name alive elsewhere is refused", () => {
  const state = smallWorld();
  const first = give(state, ask("p1"));
  const again = give(state, ask("p1"));
  assert.equal(again.kind, "existing");
  assert.equal(shown(again), shown(first));
  for (const more of [{ host: "h2" }, { tenant: "green" }, { segment: "db" }, { ips: [parseIp("10.0.0.9")] }])
    assert.equal(give(state, ask("p1", more)).kind, "name-taken");
});

test("refusals say why", () => {
  const state = smallWorld("blue");
  state.apply({ kind: "put-host", host: hostIn("lost", undefined) });
  assert.deepEqual(give(state, ask("p", { host: "none" })), { kind: "unknown-host", host: "none" });
  assert.deepEqual(give(state, ask("p", { host: "lost" })), { kind: "host-in-no-group", host: "lost" });
  assert.deepEqual(give(state, ask("p")), { kind: "no-network", tenant: "red" });
  const networks = ["none"];
  assert.deepEqual(give(state, ask("p", { tenant: "blue", networks })), {
    ...{ kind: "no-network", tenant: "blue", networks },
  });
});

test("who asks for networks gets addresses of those only", () => {
  const state = smallWorld();
  const [all] = state.topology.networks;
  const given = give(state, ask("p", { networks: [all?.name ?? ""] }));
  assert.ok(given.kind === "allocated" && given.address.ips.every(({ network }) => network === all?.name));
});

test("a wanted address is given if the asker may have it", () => {
  const state = smallWorld();
  give(state, ask("other", { host: "h2" }));
  state.apply({ kind: "put-blackout", blackout: { cidr: parseCidr("10.0.0.30/32"), reason: "" } });
  const rows: [string, string][] = [
    ["10.0.0.5", "ip-taken"], // the block is h2's
    ["10.0.0.0", "ip-taken"], // h2 has it
    ["10.0.0.30", "ip-reserved"],
    ["10.0.0.33", "ip-outside"], // rack b
    ["10.1.0.0", "ip-outside"], // tenant blue's
    ["192.0.2.1", "ip-outside"],
    ["10.0.0.21", "10.0.0.21 fd00::8"],
    ["fd00::1f", "10.0.0.16 fd00::1f"],
  ];
  for (const [ip, expected] of rows) {
    const answer = give(state, ask(`p-${ip}`, { ips: [parseIp(ip)] }));
    assert.equal(shown(answer), expected, ip);
  }
  const both = ["10.0.0.22", "10.0.0.23"].map((ip) => parseIp(ip));
  assert.equal(shown(give(state, ask("two", { ips: both }))), "ip-outside", "two of one family");
});

test("a freed address rests while others are free, and comes last when none is", () => {
  const state = worldOf(topologyOf([network("four", "10.0.0.0/30", 30)], ["a"]), hostIn("h1", "a"));
  for (const name of ["p0", "p1", "p2"]) give(state, ask(name));
  free(state, "p1", 2000);
  free(state, "p0", 3000);
  assert.equal(shown(give(state, ask("q1"), { now: 3000 })), "10.0.0.3", "others are free");
  assert.equal(shown(give(state, ask("q2"), { now: 3000 })), "10.0.0.1", "rested longest");
  assert.equal(shown(give(state, ask("q3"), { now: 3000 })), "10.0.0.0");
  assert.equal(shown(give(state, ask("q4"), { now: 3000 })), "exhausted");
});

test("a rested address comes before a new block", () => {
  const state = smallWorld("four");
  for (let i = 0; i < 8; i++) give(state, ask(`p${i}`));
  free(state, "p3", 2000);
  assert.equal(shown(give(state, ask("q1"), { now: 2000 })), "10.0.0.8");
  for (let i = 0; i < 7; i++) give(state, ask(`r${i}`));
  assert.equal(shown(give(state, ask("q2"), { now: 2000 + cooldown })), "10.0.0.3");
});

test("what a daemon freed whose clock is ahead is given by one whose clock is behind, where nothing else is left", () => {
  const state = worldOf(topologyOf([network("v4", "10.0.0.0/29", 29)], ["a"]), hostIn("h1", "a"));
  for (let i = 0; i < 8; i++) give(state, ask(`p${i}`));
  free(state, "p3", options.now + 1_800_000);
  assert.equal(shown(give(state, ask("late"))), "10.0.0.3");
});

test("an empty block changes hands once it has rested, or when nothing else is left", () => {
  const state = smallWorld("four");
  for (const [i, tenant] of ["t0", "t1", "t2", "t3"].entries()) give(state, ask(`p${i}`, { tenant }));
  free(state, "p1", 5000);
  assert.equal(shown(give(state, ask("q1", { tenant: "new" }), { now: 5000 })), "10.0.0.9");
  assert.equal(
    shown(give(state, ask("q2", { tenant: "t1" }), { now: 5000 })),
    "exhausted",
    "it is the new tenant's",
  );
});

test("an empty block returns to its group when it has rested", () => {
  const state = smallWorld("four");
  give(state, ask("p1"));
  give(state, ask("p2", { host: "h2" }));
  free(state, "p1", 5000);
  const at = (now: number): number => collectEmptyBlocks(state, { now, cooldown, limit: 10 }).writes.length;
  assert.equal(at(5000 + cooldown - 1), 0);
  assert.equal(at(5000 + cooldown), 1);
  applyWrites(state, collectEmptyBlocks(state, { now: 5000 + cooldown, cooldown, limit: 10 }).writes);
  assert.deepEqual([...state.blocks.keys()], ["10.0.0.8/29"]);
  assert.equal(shown(give(state, ask("p3", { tenant: "x" }))), "10.0.0.0");
});

test("a late, repeated or foreign release frees nothing", () => {
  const state = smallWorld("four");
  const first = give(state, ask("p1"), { now: 10 });
  const sequence = first.kind === "allocated" ? first.address.sequence : 0;
  const freeOnce = release(state, { name: "p1", sequence }, { now: 20 });
  if (freeOnce.kind === "released") applyWrites(state, freeOnce.writes);
  assert.equal(release(state, { name: "p1", sequence }, { now: 21 }).kind, "not-found");
  const second = give(state, ask("p1"), { now: 10 });
  assert.ok(second.kind === "allocated" && second.address.sequence > sequence);
  assert.equal(release(state, { name: "p1", sequence }, { now: 22 }).kind, "stale");
  assert.equal(release(state, { name: "p1", host: "h2" }, { now: 22 }).kind, "foreign");
  assert.equal(release(state, { ip: parseIp("10.0.0.1") }, { now: 22 }).kind, "released", "by address");
  assert.equal(release(state, { ip: parseIp("10.0.0.0") }, { now: 22 }).kind, "not-found");
});

test("blackouts: covered blocks are not claimed, offsets inside are skipped, who is inside stays", () => {
  const state = smallWorld("four");
  give(state, ask("before"));
  for (const text of ["10.0.0.0/31", "10.0.0.8/30", "10.0.0.12/30", "10.0.0.16/30"])
    state.apply({ kind: "put-blackout", blackout: { cidr: parseCidr(text), reason: "router" } });
  assert.equal(shown(give(state, ask("before"))), "10.0.0.0");
  assert.equal(shown(give(state, ask("p1"))), "10.0.0.2");
  assert.equal(
    shown(give(state, ask("p2", { tenant: "x" }))),
    "10.0.0.20",
    "the second block is covered by two",
  );
  assert.equal(fill(state, "f") + fill(state, "g", { tenant: "x" }), 5 + 8 + 3);
  state.apply({ kind: "delete-blackout", cidr: parseCidr("10.0.0.8/30") });
  assert.equal(shown(give(state, ask("p3", { tenant: "y" }))), "10.0.0.8");
});

test("daemons start at different blocks and go round", () => {
  const state = smallWorld("four");
  const ips = [2, 2, 2, 2].map((offsetSeed, i) =>
    shown(give(state, ask(`p${i}`, { tenant: `t${i}` }), { offsetSeed })),
  );
  assert.deepEqual(ips, ["10.0.0.16", "10.0.0.24", "10.0.0.0", "10.0.0.8"]);
});

test("an IPv6 group of 2^61 blocks costs no more than a small one", () => {
  const six = network("six", "fd00::/64", 125);
  const state = worldOf(topologyOf([six], ["a"]), hostIn("h1", "a"));
  assert.equal(shown(give(state, ask("p1"), { offsetSeed: 2 ** 52 + 1 })), "fd00::80:0:0:8");
  assert.equal(shown(give(state, ask("p2", { tenant: "x" }))), "fd00::");
});

test("a block emptied just now is left alone while another network has room", () => {
  const state = smallWorld("four", "blue");
  give(state, ask("p1", { tenant: "blue", host: "h2" }));
  free(state, "p1", 5000);
  assert.equal(shown(give(state, ask("p2", { tenant: "blue" }), { now: 5001 })), "10.0.0.0");
  assert.equal(shown(give(state, ask("p3", { tenant: "blue" }), { now: 5000 + cooldown })), "10.1.0.1");
});

test("a block left from another group gives no more addresses", () => {
  const state = smallWorld("four");
  give(state, ask("p1"));
  state.apply({ kind: "put-host", host: hostIn("h1", "b") });
  assert.equal(shown(give(state, ask("p2"))), "10.0.0.32");
});

test("a slot that is another's stays his, whatever an address record says", () => {
  const state = smallWorld("four");
  give(state, ask("p1"));
  const wrong = state.addresses.get("p1");
  assert.ok(wrong);
  state.apply({ kind: "put-address", address: { ...wrong, name: "ghost" } });
  const answer = release(state, { name: "ghost" }, { now: 5 });
  assert.deepEqual(answer.kind === "released" && answer.writes, [{ kind: "delete-address", name: "ghost" }]);
});

test("events of one transaction may come in any order", () => {
  const state = smallWorld("four");
  give(state, ask("p1"));
  const old = state.addresses.get("p1");
  assert.ok(old);
  state.apply({ kind: "put-address", address: { ...old, name: "p2" } });
  state.apply({ kind: "delete-address", name: "p1" });
  assert.equal(state.addressAt(parseIp("10.0.0.0"))?.name, "p2");
  state.apply({ kind: "put-address", address: { ...old, name: "p2", ips: [] } });
  assert.equal(state.addressAt(parseIp("10.0.0.0")), undefined);
});
