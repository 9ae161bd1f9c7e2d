import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UnavailableError } from "../../base/errors.ts";
import { cidrOf, hostCidr, parseCidr, sizeOf } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";
import {
  decodeAddress,
  decodeBlackout,
  decodeBlock,
  decodeHost,
  decodeReservation,
  encodeAddress,
  encodeBlackout,
  encodeBlock,
  encodeHost,
  encodeReservation,
} from "./codec.ts";
import { decodeTopology, encodeTopology } from "./codec-topology.ts";
import {
  addressKey,
  blackoutKey,
  blockKey,
  escapeName,
  guardKey,
  hostKey,
  parseKey,
  policyKey,
  reservationKey,
  topologyKey,
} from "./keys.ts";
import type { Address, Block, Host } from "./records.ts";
import { type Slot, withSlots } from "./slots.ts";
import type { Group, Topology } from "./topology.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const count = fc.nat();
const ip: fc.Arbitrary<Ip> = fc.oneof(
  fc.bigInt(0n, (1n << 32n) - 1n).map((value): Ip => ({ family: 4, value })),
  fc.bigInt(0n, (1n << 128n) - 1n).map((value): Ip => ({ family: 6, value })),
);
const cidr = fc.tuple(ip, fc.nat(32)).map(([address, length]) => cidrOf(address, length));
const tags = fc.dictionary(text, text, { maxKeys: 4 });
const host: fc.Arbitrary<Host> = fc.record({
  name: text,
  ips: fc.array(ip, { maxLength: 2 }),
  tags,
  agentPort: count,
  k8sInfo: fc.dictionary(
    text,
    fc.jsonValue().map((v) => JSON.parse(JSON.stringify(v)) as unknown),
    { maxKeys: 3 },
  ),
  groups: fc.array(fc.option(text, { nil: undefined }), { maxLength: 3 }),
});
const slot: fc.Arbitrary<Slot> = fc.oneof(
  fc.record({ state: fc.constant("used" as const), name: text, sequence: count }),
  fc.record({ state: fc.constant("cooling" as const), since: count }),
  fc.record({
    state: fc.constant("cooling" as const),
    since: count,
    quarantined: fc.constant(true as const),
  }),
);
const block: fc.Arbitrary<Block> = cidr.chain((prefix) =>
  fc.record({
    cidr: fc.constant(prefix),
    network: text,
    group: text,
    host: text,
    tenant: text,
    segment: text,
    sequence: count,
    slots: fc
      .array(fc.tuple(fc.nat(Number(sizeOf(prefix) > 100n ? 99n : sizeOf(prefix) - 1n)), slot), {
        maxLength: 8,
      })
      .map((slots) => withSlots([], slots)),
  }),
);
const address: fc.Arbitrary<Address> = fc.record(
  {
    name: text,
    host: text,
    tenant: text,
    segment: text,
    sequence: count,
    ips: fc.array(fc.record({ ip, network: text, block: cidr }), { maxLength: 2 }),
    pod: text,
  },
  { requiredKeys: ["name", "host", "tenant", "segment", "sequence", "ips"] },
);

const plain = <T>(value: T): T => structuredClone(value);

test("decode after encode is identity", () => {
  fc.assert(
    fc.property(host, block, address, text, (aHost, aBlock, anAddress, reason) => {
      assert.deepEqual(decodeHost(hostKey(aHost.name), encodeHost(aHost)), plain(aHost));
      assert.deepEqual(decodeBlock(blockKey(aBlock.cidr), encodeBlock(aBlock)), plain(aBlock));
      assert.deepEqual(decodeAddress(addressKey(anAddress.name), encodeAddress(anAddress)), plain(anAddress));
      const blackout = { cidr: aBlock.cidr, reason };
      assert.deepEqual(decodeBlackout(blackoutKey(blackout.cidr), encodeBlackout(blackout)), blackout);
      for (const reservation of [blackout, { cidr: hostCidr(aBlock.cidr.ip), holder: aHost.name, reason }])
        assert.deepEqual(
          decodeReservation(reservationKey(reservation.cidr), encodeReservation(reservation)),
          reservation,
        );
    }),
    { numRuns: 200, seed: 3 },
  );
});

test("a topology keeps its prefixes and its routing as given", () => {
  const leaf = (path: string): Group => ({
    name: path.slice(path.lastIndexOf("/") + 1),
    path,
    assignment: { zone: "a" },
    routing: { kind: "v2", words: "prefix-announce-bgp:peer" },
    prefixes: { net: parseCidr("10.1.0.0/17"), six: parseCidr("fd00::/49") },
    groups: [],
    hosts: [{ name: "h1", ips: ["192.0.2.1"] }],
  });
  const root: Group = {
    ...leaf(""),
    routing: undefined,
    assignment: {},
    hosts: [],
    groups: [leaf("a"), leaf("b")],
  };
  const topology: Topology = {
    networks: [{ name: "net", cidr: parseCidr("10.1.0.0/16"), blockMask: 29, tenants: ["t"] }],
    trees: [{ networks: ["net", "six"], root }],
  };
  assert.deepEqual(decodeTopology(topologyKey, encodeTopology(topology)), topology);
});

test("what an earlier version kept as routing is read where it is understood, and is as nothing where not", () => {
  const kept = (routing: unknown): unknown => {
    const prefixes = { net: "10.1.0.0/16" };
    const root = { name: "", path: "", assignment: {}, routing, prefixes, groups: [], hosts: [] };
    const text = JSON.stringify({ networks: [], trees: [{ networks: ["net"], root }] });
    return decodeTopology(topologyKey, text).trees[0]?.root.routing;
  };
  assert.deepEqual(kept("none"), { kind: "none" });
  for (const routing of [{ bgp: [1, null] }, "x", 0, false, null, undefined])
    assert.equal(kept(routing), undefined);
});

test("keys of any name parse back, and stay in their folder", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 10 }), (name) => {
      for (const [kind, make] of [
        ["hosts", hostKey],
        ["addresses", addressKey],
        ["guards", guardKey],
        ["policies", policyKey],
      ] as const) {
        assert.deepEqual(parseKey(make(name)), { kind, name });
        assert.equal(make(name).split("/").length, 5);
      }
    }),
    { numRuns: 200, seed: 3 },
  );
  assert.deepEqual(parseKey(blockKey(parseCidr("fd00::/125"))), { kind: "blocks", name: "fd00::/125" });
  assert.deepEqual(parseKey(topologyKey), { kind: "topology" });
  assert.equal(escapeName("a/b 'é"), "a%2Fb%20%27%C3%A9");
});

test("what is not a record's key is none", () => {
  for (const key of [
    "",
    "/romana/v3/",
    "/romana/v3/hosts/a/b",
    "/romana/v3/hosts/%2f",
    "/romana/v3/hosts/%FF",
    "/x",
  ])
    assert.equal(parseKey(key), undefined, key);
});

const good = {
  cidr: "10.0.0.0/29",
  ...{ network: "n", group: "g", host: "h", tenant: "t", segment: "", sequence: 1 },
  slots: { "0": ["a", 1], "7": 5 },
};
const key = blockKey(parseCidr("10.0.0.0/29"));
const rows: [name: string, text: string, field: string][] = [
  ["no JSON", "{", ""],
  ["no object", "[]", ""],
  ["a missing field", JSON.stringify({ ...good, host: undefined }), "host"],
  ["an unknown field", JSON.stringify({ ...good, extra: 1 }), "extra"],
  ["a wrong type", JSON.stringify({ ...good, tenant: 4 }), "tenant"],
  ["a negative count", JSON.stringify({ ...good, sequence: -1 }), "sequence"],
  ["host bits", JSON.stringify({ ...good, cidr: "10.0.0.1/29" }), "cidr"],
  ["text that is not canonical", JSON.stringify({ ...good, cidr: "FD00::/125" }), "cidr"],
  ["another record's key", JSON.stringify({ ...good, cidr: "10.0.0.8/29" }), "cidr"],
  ["an offset outside of the block", JSON.stringify({ ...good, slots: { "8": 1 } }), "slots.8"],
  ["an offset with a leading zero", JSON.stringify({ ...good, slots: { "01": 1 } }), "slots.01"],
  ["a slot of three", JSON.stringify({ ...good, slots: { "1": ["a", 1, 2] } }), "slots.1"],
  ["a slot without a name", JSON.stringify({ ...good, slots: { "1": [1, 1] } }), "slots.1[0]"],
];
for (const [name, value, field] of rows)
  test(`${name} in a block is garbage that names key and field`, () => {
    assert.throws(
      () => decodeBlock(key, value),
      (error) =>
        error instanceof UnavailableError &&
        error.code === "STORE_GARBAGE" &&
        error.details["key"] === key &&
        (error.details["field"] ?? "") === field,
    );
  });
