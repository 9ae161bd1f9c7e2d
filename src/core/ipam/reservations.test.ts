import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import { adopt } from "./adopt.ts";
import { allocate } from "./allocate.ts";
import { planBlackout } from "./blackouts.ts";
import { release } from "./release.ts";
import { inTheWay, planReservation, planReservationRemoval } from "./reservations.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { ask, options, shown, smallWorld } from "./testdata/world.ts";
import type { AllocateRequest } from "./types.ts";

const reserve = (state: IpamState, cidr: string, holder?: string): void => {
  const reservation = { cidr: parseCidr(cidr), reason: "", ...(holder !== undefined && { holder }) };
  applyWrites(state, planReservation(state, reservation).writes);
};
const give = (state: IpamState, request: AllocateRequest, now = 1000): string => {
  const answer = allocate(state, request, { ...options, now });
  if (answer.kind === "allocated") applyWrites(state, answer.writes);
  return shown(answer);
};
const of = (...texts: string[]) => ({ ips: texts.map((text) => parseIp(text)) });
/** Rack a of "four" is 10.0.0.0/27, four blocks of eight. */
const world = () => smallWorld("four");

test("a reserved range is given only to who asks for an address of it by number", () => {
  const state = world();
  reserve(state, "10.0.0.0/28");
  assert.equal(give(state, ask("any")), "10.0.0.16");
  assert.equal(give(state, ask("wanted", of("10.0.0.3"))), "10.0.0.3");
  assert.equal(give(state, ask("same", of("10.0.0.3"))), "ip-taken");
  const all = Array.from({ length: 16 }, (_, i) => give(state, ask(`p${i}`)));
  assert.deepEqual(all.slice(15), ["exhausted"]);
  assert.ok(!all.some((ip) => /^10\.0\.0\.(1[0-5]|\d)$/.test(ip)), all.join());
});

test("an address with a holder waits for him, by name or by pod, and refuses all others", () => {
  const state = world();
  reserve(state, "10.0.0.9/32", "db");
  reserve(state, "10.0.0.10/32", "shop/web-0");
  assert.equal(give(state, ask("other", of("10.0.0.9"))), "ip-kept");
  assert.equal(give(state, ask("db")), "10.0.0.9");
  assert.equal(give(state, ask("c0ffee", { pod: "shop/web-0" })), "10.0.0.10");
  assert.equal(give(state, ask("another")), "10.0.0.0");
  assert.equal(give(state, ask("elsewhere", { ...of("10.0.0.1"), pod: "shop/web-1" })), "10.0.0.1");
});

test("neighbours are kept for holders on different hosts and of different tenants", () => {
  const state = world();
  for (const i of [0, 1, 2]) reserve(state, `10.0.0.${8 + i}/32`, `shop/web-${i}`);
  assert.equal(give(state, ask("a", { pod: "shop/web-0" })), "10.0.0.8");
  assert.equal(give(state, ask("b", { pod: "shop/web-1", host: "h2" })), "10.0.0.9");
  assert.equal(give(state, ask("c", { pod: "shop/web-2", host: "h2", tenant: "blue" })), "10.0.0.10");
  const blocks = [...state.blocks.values()].map(({ key, block: { host } }) => `${key} ${host}`);
  assert.deepEqual(blocks, ["10.0.0.8/32 h1", "10.0.0.9/32 h2", "10.0.0.10/32 h2"]);
});

test("a holder takes its address along to another host of the group, without waiting for the cooldown", () => {
  const state = world();
  reserve(state, "10.0.0.9/32", "shop/web-0");
  give(state, ask("first", { pod: "shop/web-0" }));
  const second = ask("second", { pod: "shop/web-0", host: "h2" });
  assert.equal(give(state, second), "ip-taken", "while it is alive elsewhere");
  const freed = release(state, { name: "first" }, { now: 1000 });
  assert.ok(freed.kind === "released");
  applyWrites(state, freed.writes);
  assert.equal(give(state, second, 1000), "10.0.0.9");
  assert.equal(state.blocks.get("10.0.0.9/32")?.block.host, "h2");
});

test("on a host of another group a holder gets what is reserved for it there, and else nothing", () => {
  const state = world();
  reserve(state, "10.0.0.9/32", "shop/web-0");
  const away = ask("c1", { pod: "shop/web-0", host: "h3" });
  assert.deepEqual(allocate(state, away, options), {
    ...{ kind: "kept-elsewhere", ip: parseIp("10.0.0.9"), host: "h3" },
    place: { network: "four", group: "a" },
  });
  reserve(state, "10.0.0.41/32", "shop/web-0");
  assert.equal(give(state, away), "10.0.0.41");
});

test("a holder gets its address of one family and any of the other", () => {
  const state = smallWorld("four", "six");
  reserve(state, "fd00::9/128", "db");
  assert.equal(give(state, ask("db")), "10.0.0.0 fd00::9");
  const onlyFour = smallWorld("four");
  reserve(onlyFour, "fd00::9/128", "db");
  assert.equal(give(onlyFour, ask("db")), "kept-elsewhere");
});

test("a blackout refuses the holder, too", () => {
  const state = world();
  reserve(state, "10.0.0.9/32", "db");
  applyWrites(state, planBlackout(state, { cidr: parseCidr("10.0.0.8/29"), reason: "" }).writes);
  assert.equal(give(state, ask("db")), "ip-reserved");
});

test("a block from before a reservation gives nothing freely any more, and makes room once it is empty", () => {
  const state = world();
  for (const name of ["a", "b"]) give(state, ask(name));
  reserve(state, "10.0.0.7/32", "db");
  const reservation = state.reservations.get("10.0.0.7/32");
  assert.ok(reservation);
  const way = inTheWay(state, reservation);
  assert.deepEqual([way.addresses.length, way.blocks], [0, [parseCidr("10.0.0.0/29")]]);
  assert.equal(give(state, ask("c")), "10.0.0.8");
  const db = ask("db", { host: "h2" });
  assert.equal(give(state, db), "ip-taken");
  for (const name of ["a", "b"]) {
    const freed = release(state, { name }, { now: 1000 });
    assert.ok(freed.kind === "released");
    applyWrites(state, freed.writes);
  }
  assert.equal(give(state, db), "10.0.0.7");
});

test("who has an address inside is told, but not the holder himself", () => {
  const state = world();
  give(state, ask("a"));
  give(state, ask("b"));
  const reservation = { cidr: parseCidr("10.0.0.0/31"), reason: "" };
  assert.deepEqual(
    inTheWay(state, reservation).addresses.map(({ name }) => name),
    ["a", "b"],
  );
  const held = { cidr: parseCidr("10.0.0.0/32"), holder: "a", reason: "" };
  assert.deepEqual(inTheWay(state, held).addresses, []);
});

test("a reservation that ends gives its addresses to anybody, around what was given", () => {
  const state = world();
  reserve(state, "10.0.0.0/27");
  assert.equal(give(state, ask("wanted", of("10.0.0.3"))), "10.0.0.3");
  assert.equal(give(state, ask("any")), "exhausted");
  applyWrites(state, planReservationRemoval(state, parseCidr("10.0.0.0/27")).writes);
  assert.equal(give(state, ask("any", { host: "h2" })), "10.0.0.8");
  assert.equal(give(state, ask("own")), "10.0.0.16");
});

test("adoption puts neighbours of a reservation into blocks of their own", () => {
  const state = world();
  reserve(state, "10.0.0.8/30");
  const endpoint = (name: string, ip: string) => ({
    name,
    tenant: "red",
    segment: "",
    sequence: 7,
    ...of(ip),
  });
  for (const [host, ip] of [
    ["h1", "10.0.0.8"],
    ["h2", "10.0.0.9"],
  ] as const) {
    const { writes, conflicts } = adopt(state, host, [endpoint(host, ip)], { now: 1 });
    assert.deepEqual(conflicts, []);
    applyWrites(state, writes);
  }
  assert.deepEqual([...state.blocks.keys()], ["10.0.0.8/32", "10.0.0.9/32"]);
});

test("reservations bump the guards of the networks that they lie in", () => {
  const state = smallWorld();
  const reservation = { cidr: parseCidr("10.0.0.0/7"), reason: "" };
  const bumped = planReservation(state, reservation).writes.flatMap((write) =>
    write.kind === "bump-guard" ? [write.network] : [],
  );
  assert.deepEqual(bumped, ["four", "blue"]);
});
