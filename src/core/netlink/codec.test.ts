// Encoding and decoding are each other's inverse, and no bytes make the decoder throw. That the kernel agrees: netlink-kernel.root.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Cidr, cidrOf } from "../net/cidr.ts";
import { bitsOf, type Family, type Ip, parseIp } from "../net/ip.ts";
import { AF, IFLA, IFLA_INFO, NLM_F, NLMSG, NLMSGERR_ATTR_MSG, RTM } from "./constants.ts";
import { decodeMessages, type Message } from "./decode.ts";
import { encodeChange, encodeDump } from "./encode.ts";
import type { Change, NextHop, Route, RouteType, Rule } from "./types.ts";
import { createWriter, type Writer } from "./writer.ts";

/** As objects are written, not as fast-check makes them to be nasty. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true });
const families: fc.Arbitrary<Family> = fc.constantFrom(4, 6);
const ips = (family: Family): fc.Arbitrary<Ip> =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(bitsOf(family))) - 1n }).map((value) => ({ family, value }));
const cidrs = (family: Family): fc.Arbitrary<Cidr> =>
  fc.tuple(ips(family), fc.nat(bitsOf(family))).map(([ip, length]) => cidrOf(ip, length));
const u32 = fc.integer({ min: 1, max: 0xffffffff });
const indexes = fc.integer({ min: 1, max: 0x7fffffff });
const hops = (family: Family): fc.Arbitrary<NextHop> =>
  record({
    via: fc.oneof(ips(family), families.chain(ips)),
    index: indexes,
    weight: fc.integer({ min: 1, max: 256 }),
    onlink: fc.boolean(),
  });
const hopLists = (family: Family): fc.Arbitrary<readonly NextHop[]> =>
  fc.oneof(
    hops(family).map((hop) => [{ ...hop, weight: 1 }]), // a single next hop has no weight
    indexes.map((index) => [{ via: undefined, index, weight: 1, onlink: false }]),
    fc.array(hops(family), { minLength: 2, maxLength: 5 }),
  );
const rejects: readonly RouteType[] = ["unreachable", "blackhole", "prohibit", "throw"];
const routes: fc.Arbitrary<Route> = families.chain((family) =>
  record({
    dst: cidrs(family),
    table: u32,
    protocol: fc.nat(255),
    type: fc.constantFrom<RouteType>("unicast", "local", ...rejects),
    scope: fc.nat(255),
    metric: fc.nat(0xffffffff),
    nextHops: hopLists(family),
    source: fc.option(ips(family), { nil: undefined }),
  }).map((route) => (rejects.includes(route.type) ? { ...route, nextHops: [] } : route)),
);
const rules: fc.Arbitrary<Rule> = record({
  family: families,
  priority: u32,
  table: u32,
  protocol: fc.nat(255),
});

const encoded = (...changes: readonly Change[]): Uint8Array => {
  const writer = createWriter(16);
  changes.forEach((change, i) => encodeChange(writer, change, i + 1, 0));
  return writer.take();
};
const objectsOf = (messages: readonly Message[]) =>
  messages.map((message) => (message.kind === "object" ? message.object : assert.fail(message.kind)));

test("law: routes are read as they were written, many in one datagram, added and deleted", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(routes, fc.boolean()), { maxLength: 8 }), (list) => {
      const changes = list.map(([route, deleted]): Change => ({
        kind: deleted ? "route-delete" : "route-replace",
        route,
      }));
      assert.deepEqual(
        objectsOf(decodeMessages(encoded(...changes))),
        list.map(([route, deleted]) => ({ kind: "route", deleted, route })),
      );
    }),
  );
});

test("law: rules are read as they were written", () => {
  fc.assert(
    fc.property(rules, fc.boolean(), (rule, deleted) => {
      const bytes = encoded({ kind: deleted ? "rule-delete" : "rule-add", rule });
      assert.deepEqual(objectsOf(decodeMessages(bytes)), [{ kind: "rule", deleted, rule }]);
    }),
  );
});

test("law: addresses are read as they were written", () => {
  const addresses = families.chain((family) =>
    record({
      ip: ips(family),
      length: fc.nat(bitsOf(family)),
      index: indexes,
      flags: u32,
      scope: fc.nat(255),
    }),
  );
  fc.assert(
    fc.property(addresses, (address) => {
      const bytes = encoded({ kind: "address-add", address: { ...address, label: "" } });
      const expected = { kind: "address", deleted: false, address: { ...address, label: "" } };
      assert.deepEqual(objectsOf(decodeMessages(bytes)), [expected]);
    }),
  );
});

/** A message of a kind that only the kernel sends. */
function message(type: number, body: (w: Writer) => void, flags = 0): Uint8Array {
  const writer = createWriter();
  writer.message(type, flags, 7, () => body(writer));
  return writer.take();
}
const zeros = (w: Writer, count: number): void => {
  for (let i = 0; i < count; i++) w.u8(0);
};

test("a link with what matters of it", () => {
  const bytes = message(RTM.newLink, (w) => {
    zeros(w, 4);
    for (const number of [5, 1, 0]) w.u32(number);
    w.attributeText(IFLA.ifname, "rom0");
    w.attributeU32(IFLA.mtu, 1400);
    w.attributeBytes(IFLA.address, [2, 0, 0, 0, 0, 255]);
    w.attribute(IFLA.linkinfo, () => w.attributeText(IFLA_INFO.kind, "veth"));
  });
  const [object] = objectsOf(decodeMessages(bytes));
  assert.ok(object?.kind === "link");
  const { index, name, mtu, up, mac, kind } = object.link;
  assert.deepEqual([index, name, mtu, up, mac, kind], [5, "rom0", 1400, true, "02:00:00:00:00:ff", "veth"]);
});

/** `struct fib_rule_hdr` of a rule that sends to table 10, then attributes. */
const ruleMessage = (header: Readonly<Record<number, number>>, body: (w: Writer) => void = () => undefined) =>
  message(RTM.newRule, (w) => {
    const bytes = { 0: AF[4], 4: 10, 7: 1, ...header };
    for (let i = 0; i < 12; i++) w.u8((bytes as Readonly<Record<number, number>>)[i] ?? 0);
    body(w);
  });
const choosing: readonly (readonly [string, Uint8Array])[] = [
  ["by source", ruleMessage({ 2: 24 })],
  ["by destination", ruleMessage({ 1: 24 })],
  ["by tos", ruleMessage({ 3: 8 })],
  ["by not", ruleMessage({ 8: 2 })],
  ["by mark", ruleMessage({}, (w) => w.attributeU32(10, 1))],
  ["by interface", ruleMessage({}, (w) => w.attributeText(3, "eth0"))],
  ["by suppression", ruleMessage({}, (w) => w.attributeU32(14, 0))],
  ["to nowhere", ruleMessage({ 7: 7 })],
];
for (const [what, bytes] of choosing)
  test(`a rule that chooses ${what} is none of ours and not seen`, () => {
    assert.deepEqual(decodeMessages(bytes), []);
  });

test("forwarding of all interfaces is told as index -1", () => {
  const bytes = message(RTM.newNetconf, (w) => {
    w.u8(AF[6]);
    zeros(w, 3);
    w.attributeU32(1, 0xffffffff);
    w.attributeU32(2, 0);
  });
  assert.deepEqual(objectsOf(decodeMessages(bytes)), [
    { kind: "forwarding", family: 6, index: -1, on: false },
  ]);
});

test("an error with the kernel's words, with and without the echoed request", () => {
  const error = (flags: number, echo: number): Message[] =>
    decodeMessages(
      message(
        NLMSG.error,
        (w) => {
          w.u32(-17 >>> 0);
          w.u32(16 + echo);
          zeros(w, 12 + (flags & NLM_F.capped ? 0 : echo));
          w.attributeText(NLMSGERR_ATTR_MSG, "no such thing");
        },
        flags,
      ),
    );
  const expected = [{ kind: "error", sequence: 7, errno: 17, text: "no such thing" }];
  assert.deepEqual(error(NLM_F.ackTlvs | NLM_F.capped, 40), expected);
  assert.deepEqual(error(NLM_F.ackTlvs, 40), expected);
});

test("messages are cut at four bytes and tell their length", () => {
  const writer = createWriter(16);
  encodeDump(writer, { kind: "routes", family: 6, table: 1000 }, 3);
  const bytes = writer.take();
  const view = new DataView(bytes.buffer);
  assert.deepEqual(
    [bytes.length % 4, view.getUint32(0, true), view.getUint32(8, true)],
    [0, bytes.length, 3],
  );
});

const sound = fc
  .tuple(fc.array(routes, { minLength: 1, maxLength: 4 }), rules)
  .map(([list, rule]) =>
    encoded(...list.map((route): Change => ({ kind: "route-add", route })), { kind: "rule-add", rule }),
  );

test("law: no bytes make the decoder throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeMessages(bytes)),
    { numRuns: 500 },
  );
});

test("law: a datagram with some bytes changed is read as far as it goes, or said to be malformed; it never throws", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(sound, changes, (bytes, list) => {
      const broken = Uint8Array.from(bytes);
      for (const [at, byte] of list) broken[at % broken.length] = byte;
      for (const each of decodeMessages(broken))
        assert.ok(["object", "malformed", "error", "done"].includes(each.kind));
    }),
    { numRuns: 500 },
  );
});

test("law: a datagram that is cut short ends in a malformed message, unless it is cut between two", () => {
  fc.assert(
    fc.property(sound, fc.nat(), (bytes, at) => {
      const cut = bytes.subarray(0, at % bytes.length);
      const whole = decodeMessages(bytes);
      const messages = decodeMessages(cut);
      const last = messages.at(-1);
      assert.deepEqual(messages.slice(0, -1), whole.slice(0, Math.max(0, messages.length - 1)));
      assert.ok(last === undefined || last.kind === "malformed" || messages.length < whole.length);
    }),
    { numRuns: 300 },
  );
});

test("a message of a kind that nobody asked for is passed over, and the next is read", () => {
  const neighbour = encoded({
    kind: "neighbour-replace",
    ...{ index: 1, ip: parseIp("10.0.0.1"), mac: "02:00:00:00:00:01", permanent: true },
  });
  const rule: Rule = { family: 4, priority: 10, table: 10, protocol: 82 };
  const both = new Uint8Array([...neighbour, ...encoded({ kind: "rule-add", rule })]);
  assert.deepEqual(objectsOf(decodeMessages(both)), [{ kind: "rule", deleted: false, rule }]);
});
