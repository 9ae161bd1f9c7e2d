// Whole IP packets made by hand, with right checksums and a token at the end by which a receiver knows them.
import type { Ip } from "../../../src/core/net/ip.ts";
import type { Packet } from "../../../src/core/policy/packet.ts";

const NUMBERS = { tcp: 6, udp: 17, sctp: 132, icmp: 1, icmpv6: 58, other: 253 } as const;
const TCP_SYN = 0x5002;

/** `protocol` is the number in the IP header. */
export type Crafted = { readonly protocol: number; readonly bytes: Buffer };

/** `token`: up to 2^32; it makes the flow one of its own too, as source port or identifier. */
export function craft(packet: Packet, token: number): Crafted {
  const protocol = NUMBERS[packet.protocol];
  return { protocol, bytes: wrap(packet, protocol, transport(packet, token)) };
}

export function tokenBytes(token: number): Buffer {
  const bytes = Buffer.from("rmna----");
  bytes.writeUInt32BE(token >>> 0, 4);
  return bytes;
}

/** 1024 to 65023: one for each of as many tokens. */
export const sourcePort = (token: number): number => 1024 + (token % 64_000);

function transport(packet: Packet, token: number): Buffer {
  const tail = tokenBytes(token);
  switch (packet.protocol) {
    case "tcp":
      return Buffer.concat([
        u16s(sourcePort(token), packet.port, 0, token & 0xffff, 0, 0, TCP_SYN, 1024, 0, 0),
        tail,
      ]);
    case "udp":
      return Buffer.concat([u16s(sourcePort(token), packet.port, 16, 0), tail]);
    case "sctp":
      return sctpInit(sourcePort(token), packet.port, tail);
    case "icmp":
    case "icmpv6":
      return Buffer.concat([u16s((packet.type << 8) | packet.code, 0, token & 0xffff, 1), tail]);
    case "other":
      return tail;
  }
}

export const u16s = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i));
  return bytes;
};

/** RFC 9260: common header with verification tag 0, an INIT chunk whose one parameter is of an unknown kind to be skipped. */
function sctpInit(source: number, destination: number, tail: Buffer): Buffer {
  const chunk = u16s(0x0100, 32, 0, 1, 1, 0, 1, 1, 0, 1, 0xc0aa, 12);
  const bytes = Buffer.concat([u16s(source, destination, 0, 0, 0, 0), chunk, tail]);
  bytes.writeUInt32LE(crc32c(bytes), 8);
  return bytes;
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const CHECKSUM_AT: Readonly<Record<number, number>> = { 6: 16, 17: 6, 1: 2, 58: 2 };

/** The header of its family before `payload`, whose checksum is filled in. */
export function wrap({ from, to }: { from: Ip; to: Ip }, protocol: number, payload: Buffer): Buffer {
  const pseudo =
    from.family === 4
      ? Buffer.concat([ipBytes(from), ipBytes(to), u16s(protocol, payload.length)])
      : Buffer.concat([ipBytes(from), ipBytes(to), u16s(0, payload.length, 0, protocol)]);
  const at = CHECKSUM_AT[protocol];
  if (at !== undefined)
    payload.writeUInt16BE(sum(protocol === 1 ? payload : Buffer.concat([pseudo, payload])), at);
  const ends = Buffer.concat([ipBytes(from), ipBytes(to)]);
  if (from.family === 6)
    return Buffer.concat([
      u16s(0x6000, 0, payload.length, (protocol << 8) | hopLimit(protocol)),
      ends,
      payload,
    ]);
  const head = Buffer.concat([u16s(0x4500, 20 + payload.length, 0, 0, (64 << 8) | protocol, 0), ends]);
  head.writeUInt16BE(sum(head), 10);
  return Buffer.concat([head, payload]);
}

/** Neighbour discovery is believed with 255 only (RFC 4861). */
const hopLimit = (protocol: number): number => (protocol === NUMBERS.icmpv6 ? 255 : 64);

function sum(bytes: Buffer): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

export const ipBytes = ({ family, value }: Ip): Buffer =>
  Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, "0"), "hex");
