import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIp, parseIp } from "../net/ip.ts";
import { ipBytes } from "./expressions.ts";
import { decodeTold } from "./told-packets.ts";

const bytesOf = (text: string): number[] => ipBytes(parseIp(text));
const v4 = (protocol: number, rest: number[], options: number[] = []): number[] => [
  ...[0x45 + options.length / 4, 0, 0, 40, 0, 0, 0, 0, 64, protocol, 0, 0],
  ...[...bytesOf("10.0.0.1"), ...bytesOf("10.0.0.2"), ...options, ...rest],
];
const v6 = (protocol: number, rest: number[]): number[] => [
  ...[0x60, 0, 0, 0, 0, 8, protocol, 64, ...bytesOf("fd00::1"), ...bytesOf("fd00::2"), ...rest],
];
const attribute = (type: number, bytes: readonly number[]): number[] => {
  const padding = Array.from({ length: (4 - (bytes.length % 4)) % 4 }, () => 0);
  return [4 + bytes.length, 0, type, 0, ...bytes, ...padding];
};
function told(payload: readonly number[], type = 0x400): string {
  const prefix = [...Buffer.from("ingress-x\0")];
  const bytes = Uint8Array.from([2, 0, 0, 82, ...attribute(10, prefix), ...attribute(9, payload)]);
  const packet = decodeTold(type, new DataView(bytes.buffer), 0, bytes.length);
  if (!packet) return "nothing";
  return [packet.prefix, formatIp(packet.from), formatIp(packet.to), packet.protocol, packet.port].join(" ");
}

const PORTS = [0x30, 0x39, 0, 80];
const rows: [sentence: string, payload: number[], expected: string][] = [
  ["TCP", v4(6, PORTS), "ingress-x 10.0.0.1 10.0.0.2 tcp 80"],
  ["UDP after options of IPv4", v4(17, PORTS, [1, 1, 1, 1]), "ingress-x 10.0.0.1 10.0.0.2 udp 80"],
  ["SCTP over IPv6", v6(132, PORTS), "ingress-x fd00::1 fd00::2 sctp 80"],
  ["an echo has no port", v6(58, [128, 0, 0, 0]), "ingress-x fd00::1 fd00::2 icmpv6 "],
  ["a protocol without a name", v4(47, PORTS), "ingress-x 10.0.0.1 10.0.0.2 47 "],
  ["a packet that ends before its ports", v4(6, [0x30]), "ingress-x 10.0.0.1 10.0.0.2 tcp "],
  ["what is no packet of IP", [0x20, 0, 0, 0], "nothing"],
];
for (const [sentence, payload, expected] of rows)
  test(sentence, () => {
    assert.equal(told(payload), expected);
  });

test("another message is none, and a packet that is cut short is malformed", () => {
  assert.equal(told(v4(6, PORTS), 0x401), "nothing");
  assert.throws(() => told(v6(6, []).slice(0, 30)), RangeError);
});
