import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { Address4, Address6 } from "ip-address";
import { InputError } from "../../base/errors.ts";
import { bitAt, bitsOf, compareIp, equalIp, formatIp, type Ip, isMapped, parseIp, tryParseIp } from "./ip.ts";

/** Each row: text of an address, its canonical text (RFC 5952). */
const accepted: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
  ["10.112.0.1", "10.112.0.1"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::0001", "2001:db8::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["::192.0.2.33", "::c000:221"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];
for (const [text, canonical] of accepted)
  test(`${text} is ${canonical}`, () => {
    assert.equal(formatIp(parseIp(text)), canonical);
  });

/** Each row: what is wrong, a text. */
const refused: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["a word", "localhost"],
  ["half an address", "10.1"],
  ["a single number", "167772161"],
  ["an octet that looks octal", "010.0.0.1"],
  ["an octet of zeros", "10.00.0.1"],
  ["a hexadecimal octet", "0x0a.0.0.1"],
  ["an octet over 255", "10.0.0.256"],
  ["five octets", "10.0.0.0.1"],
  ["a sign", "+10.0.0.1"],
  ["a blank before", " 10.0.0.1"],
  ["a line break after", "10.0.0.1\n"],
  ["a NUL after", "10.0.0.1\0"],
  ["digits of another script", "1٠.0.0.1"],
  ["a prefix", "10.0.0.0/8"],
  ["a port", "10.0.0.1:80"],
  ["a zone id", "fe80::1%eth0"],
  ["brackets", "[::1]"],
  ["two gaps", "1::2::3"],
  ["three colons", ":::"],
  ["a gap of nothing", "1:2:3:4:5:6:7::8"],
  ["nine groups", "1:2:3:4:5:6:7:8:9"],
  ["seven groups", "1:2:3:4:5:6:7"],
  ["a group of five digits", "12345::"],
  ["a group that is not hexadecimal", "g::"],
  ["an end with one colon", "1::2:"],
  ["a dotted quad in front", "1.2.3.4::"],
  ["a dotted quad in the middle", "::1.2.3.4:1"],
  ["a dotted quad too many", "1:2:3:4:5:6:7:1.2.3.4"],
];
for (const [what, text] of refused)
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parseIp(text, "hosts[0].ip"),
      faultIs({ code: "IP", field: "hosts[0].ip", value: text }),
    );
    assert.equal(tryParseIp(text), undefined);
  });

test("refuses what is no text", () => {
  for (const value of [undefined, null, 10, ["10.0.0.1"], { toString: () => "10.0.0.1" }])
    assert.throws(() => parseIp(value as string), faultIs({ code: "IP", field: "ip", value }));
});

test("refuses IPv4-mapped addresses in every spelling, and says what to write", () => {
  for (const text of ["::ffff:10.0.0.1", "::FFFF:a00:1", "0:0:0:0:0:ffff:10.0.0.1"]) {
    assert.throws(
      () => parseIp(text),
      faultIs({ code: "IP_MAPPED", expected: "the IPv4 address itself, 10.0.0.1" }),
    );
    assert.equal(tryParseIp(text), undefined);
  }
  assert.equal(formatIp({ family: 6, value: 0xffff_0a00_0001n }), "::ffff:10.0.0.1");
});

const faultIs =
  (expected: object) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof InputError);
    assert.partialDeepStrictEqual(error.faults[0], expected);
    return true;
  };

const v4: fc.Arbitrary<Ip> = fc.bigInt(0n, 2n ** 32n - 1n).map((value) => ({ family: 4, value }));
/** Many zero groups, so that runs of them meet. */
const v6: fc.Arbitrary<Ip> = fc
  .array(fc.oneof(fc.constant(0n), fc.constant(0xffffn), fc.bigInt(0n, 0xffffn)), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups): Ip => ({ family: 6, value: groups.reduce((value, group) => (value << 16n) | group, 0n) }))
  .filter((ip) => !isMapped(ip));
const ip = fc.oneof(v4, v6);

test("law: parse after format is identity", () => {
  fc.assert(fc.property(ip, (each) => assert.deepEqual(parseIp(formatIp(each)), each)));
});

test("law: values and canonical text are those of ip-address", () => {
  fc.assert(
    fc.property(ip, (each) => {
      const peer = each.family === 4 ? Address4.fromBigInt(each.value) : Address6.fromBigInt(each.value);
      assert.equal(formatIp(each), peer.correctForm());
      assert.equal(parseIp(peer.correctForm()).value, each.value);
      if (peer instanceof Address6) {
        assert.equal(parseIp(peer.canonicalForm()).value, each.value);
        assert.equal(parseIp(peer.to4in6()).value, each.value);
      }
    }),
  );
});

/** Texts that are nearly addresses: pieces of them put together, and addresses with one character changed. */
const piece = fc.constantFrom(
  "0",
  "1",
  "10",
  "255",
  "256",
  "01",
  "ffff",
  "abcd",
  "12345",
  ":",
  "::",
  ".",
  "%",
  "1.2.3.4",
  "",
);
const pieces = fc.array(piece, { maxLength: 16 }).map((parts) => parts.join(""));
const groups = fc.array(piece, { minLength: 2, maxLength: 9 }).map((parts) => parts.join(":"));
const quads = fc.array(piece, { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
const changed = fc
  .tuple(ip, fc.nat(), fc.constantFrom("", ":", ".", "0", "f", "%", " "), fc.boolean())
  .map(([each, at, char, insert]) => {
    const text = formatIp(each);
    const place = at % (text.length + 1);
    return text.slice(0, place) + char + text.slice(place + (insert ? 0 : 1));
  });
const isMappedText = (text: string): boolean =>
  isIP(text) === 6 && new Address6(text).bigInt() >> 32n === 0xffffn;

test("law: accepts what net.isIP accepts, but zone ids and IPv4-mapped addresses", () => {
  let [good, bad] = [0, 0];
  fc.assert(
    fc.property(fc.oneof(pieces, groups, quads, changed, ip.map(formatIp)), (text) => {
      const expected = text.includes("%") || isMappedText(text) ? 0 : isIP(text);
      assert.equal(tryParseIp(text)?.family ?? 0, expected, text);
      if (expected === 0) bad++;
      else good++;
    }),
    { numRuns: 3000, seed: 5 },
  );
  assert.ok(good > 300 && bad > 300, `a fair share of both: ${good} good, ${bad} bad`);
});

test("law: bits in order make the value", () => {
  fc.assert(
    fc.property(ip, (each) => {
      const bits = Array.from({ length: bitsOf(each.family) }, (_, i) => bitAt(each, i));
      assert.equal(BigInt(`0b${bits.join("")}`), each.value);
    }),
    { numRuns: 30 },
  );
});

test("order: IPv4 first, then by value; equal only to itself", () => {
  fc.assert(
    fc.property(ip, ip, (a, b) => {
      const weight = ({ family, value }: Ip): bigint => (BigInt(family) << 128n) + value;
      const expected = weight(a) - weight(b);
      assert.equal(Math.sign(compareIp(a, b)), expected < 0n ? -1 : expected > 0n ? 1 : 0);
      assert.equal(equalIp(a, b), expected === 0n);
      assert.equal(compareIp(a, { ...a }), 0);
    }),
  );
});
