import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Address4, Address6 } from "ip-address";
import { InputError } from "../../base/errors.ts";
import {
  type Cidr,
  cidrOf,
  commonCidr,
  compareCidr,
  containsCidr,
  containsIp,
  equalCidr,
  firstIp,
  formatCidr,
  hostCidr,
  lastIp,
  overlaps,
  parseCidr,
  sizeOf,
  subnet,
  tryParseCidr,
} from "./cidr.ts";
import { bitsOf, type Family, formatIp, type Ip, isMapped, parseIp } from "./ip.ts";

/** Each row: a text, and its canonical text or the code of the refusal. */
const texts: readonly (readonly [string, string])[] = [
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["10.0.0.1/32", "10.0.0.1/32"],
  ["::/0", "::/0"],
  ["FD00:0::/8", "fd00::/8"],
  ["::1/128", "::1/128"],
  ["10.0.0.0", "CIDR"],
  ["10.0.0.0/", "CIDR"],
  ["/8", "CIDR"],
  ["10.0.0.0/33", "CIDR"],
  ["::/129", "CIDR"],
  ["::/1000", "CIDR"],
  ["10.0.0.0/08", "CIDR"],
  ["10.0.0.0/-1", "CIDR"],
  ["10.0.0.0/8 ", "CIDR"],
  ["10.0.0.0/8/8", "CIDR"],
  ["10.0.0.0/255.0.0.0", "CIDR"],
  ["10/8", "CIDR"],
  ["010.0.0.0/8", "CIDR"],
  ["fe80::%eth0/64", "CIDR"],
  ["10.0.0.1/8", "CIDR_HOST_BITS"],
  ["fd00::1/64", "CIDR_HOST_BITS"],
  ["::ffff:10.0.0.0/104", "CIDR_MAPPED"],
  ["::ffff:0:0/96", "CIDR_MAPPED"],
  ["::ffff:0:0/95", "CIDR_HOST_BITS"],
];
for (const [text, expected] of texts)
  test(`${JSON.stringify(text)} is ${expected}`, () => {
    const isCode = expected.startsWith("CIDR");
    if (isCode)
      assert.throws(
        () => parseCidr(text),
        (error) => error instanceof InputError && error.code === expected,
      );
    else assert.equal(formatCidr(parseCidr(text)), expected);
    assert.deepEqual(tryParseCidr(text), isCode ? undefined : parseCidr(expected));
  });

test("a refusal names the field, the value and what is right", () => {
  const faultOf = (text: unknown): unknown => {
    try {
      return parseCidr(text as string, "networks[0].cidr");
    } catch (error) {
      return error instanceof InputError ? error.message : error;
    }
  };
  assert.equal(faultOf("10.0.0.1/8"), 'networks[0].cidr: "10.0.0.1/8": expected no host bits, as 10.0.0.0/8');
  assert.match(String(faultOf(8)), /^networks\[0\]\.cidr: 8: expected an IPv4 or IPv6 prefix/);
});

const family = fc.constantFrom<Family>(4, 6);
const ipOf = (each: Family): fc.Arbitrary<Ip> =>
  fc
    .bigInt(0n, (1n << BigInt(bitsOf(each))) - 1n)
    .map((value): Ip => ({ family: each, value }))
    .filter((ip) => !isMapped(ip));
const cidrIn = (each: Family): fc.Arbitrary<Cidr> =>
  fc.tuple(ipOf(each), fc.nat(bitsOf(each))).map(([ip, length]) => cidrOf(ip, length));
const cidr = family.chain(cidrIn);
/** Two that are likely to have something in common. */
const near = cidr.chain((first) =>
  fc.record({
    first: fc.constant(first),
    second: fc
      .tuple(fc.nat(bitsOf(first.ip.family)), fc.nat(bitsOf(first.ip.family) - 1))
      .map(([length, bit]) =>
        cidrOf({ family: first.ip.family, value: first.ip.value ^ (1n << BigInt(bit)) }, length),
      ),
  }),
);
const peerOf = (text: string): Address4 | Address6 =>
  text.includes(":") ? new Address6(text) : new Address4(text);

test("law: parse after format is identity", () => {
  fc.assert(
    fc.property(cidr, (each) => {
      assert.deepEqual(parseCidr(formatCidr(each)), each);
      assert.deepEqual(tryParseCidr(formatCidr(each)), each);
    }),
  );
});

test("law: first and last address and containment are those of ip-address", () => {
  fc.assert(
    fc.property(near, ({ first, second }) => {
      const [peer, other] = [peerOf(formatCidr(first)), peerOf(formatCidr(second))];
      assert.equal(formatIp(firstIp(first)), peer.startAddress().correctForm());
      assert.equal(lastIp(first).value, peer.endAddress().bigInt());
      assert.equal(containsCidr(second, first), peer.isInSubnet(other as never));
      assert.equal(sizeOf(first), lastIp(first).value - firstIp(first).value + 1n);
    }),
  );
});

test("law: containment, overlap and the common prefix agree with first and last addresses", () => {
  const holds = (outer: Cidr, ip: Ip): boolean =>
    outer.ip.family === ip.family && firstIp(outer).value <= ip.value && ip.value <= lastIp(outer).value;
  fc.assert(
    fc.property(near, ({ first, second }) => {
      const ends = [firstIp(second), lastIp(second)];
      assert.equal(
        containsCidr(first, second),
        ends.every((ip) => holds(first, ip)),
      );
      assert.equal(overlaps(first, second), ends.some((ip) => holds(first, ip)) || holds(second, first.ip));
      for (const ip of ends) assert.equal(containsIp(first, ip), holds(first, ip));
      const common = commonCidr(first, second);
      assert.ok(containsCidr(common, first) && containsCidr(common, second));
      const halves = [0n, 1n].map((i) => subnet(common, common.length + 1, i));
      if (common.length < Math.min(first.length, second.length))
        assert.ok(!halves.some((half) => containsCidr(half, first) && containsCidr(half, second)));
      else assert.ok(equalCidr(common, first) || equalCidr(common, second));
    }),
  );
});

test("families never meet", () => {
  const [four, six] = [parseCidr("0.0.0.0/0"), parseCidr("::/0")];
  assert.equal(containsCidr(six, four), false);
  assert.equal(overlaps(four, six), false);
  assert.equal(equalCidr(four, six), false);
  assert.equal(containsIp(six, parseIp("10.0.0.1")), false);
});

test("order: by address, the larger prefix first", () => {
  const sorted = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "::/0", "fd00::/8"];
  const given = sorted.map((text) => parseCidr(text)).reverse();
  assert.deepEqual(given.sort(compareCidr).map(formatCidr), sorted);
});

test("the n-th prefix inside a prefix, and the prefix of one address", () => {
  assert.equal(formatCidr(subnet(parseCidr("10.111.0.0/16"), 18, 3n)), "10.111.192.0/18");
  assert.equal(formatCidr(subnet(parseCidr("fd00::/48"), 64, 0xffffn)), "fd00:0:0:ffff::/64");
  assert.deepEqual(
    ["10.0.0.1", "::1"].map((text) => formatCidr(hostCidr(parseIp(text)))),
    ["10.0.0.1/32", "::1/128"],
  );
});
