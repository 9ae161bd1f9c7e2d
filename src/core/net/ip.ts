// An address of either family. Text only at the edges: past `parseIp` an address is an `Ip`, never a string.
import { InputError } from "../../base/errors.ts";

export type Family = 4 | 6;
/** `value` is the address as an unsigned integer of 32 (family 4) or 128 (family 6) bits. */
export type Ip = { readonly family: Family; readonly value: bigint };

/** Bits in an address of the family. */
export const bitsOf = (family: Family): 32 | 128 => (family === 4 ? 32 : 128);

/**
 * Strict: four decimal octets without leading zeros, or RFC 4291 text without a zone id. `undefined` for anything else, and for
 * IPv4-mapped addresses: two texts for one address would get past every comparison, and no router carries the second.
 */
export function tryParseIp(text: string): Ip | undefined {
  const ip = readIp(text);
  return ip && isMapped(ip) ? undefined : ip;
}

/** As `tryParseIp`, but throws `InputError` codes `IP`, `IP_MAPPED` that name `field`. */
export function parseIp(text: string, field = "ip"): Ip {
  const ip = typeof text === "string" ? readIp(text) : undefined;
  if (!ip) throw new InputError({ code: "IP", field, value: text, expected: "an IPv4 or IPv6 address" });
  if (!isMapped(ip)) return ip;
  const expected = `the IPv4 address itself, ${formatV4(Number(ip.value & 0xffffffffn))}`;
  throw new InputError({ code: "IP_MAPPED", field, value: text, expected });
}

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2: an IPv4 address as programs hold it, not as packets carry it. */
export const isMapped = ({ family, value }: Ip): boolean => family === 6 && value >> 32n === 0xffffn;

/** Canonical text: dotted quad, or RFC 5952 (IPv4-mapped addresses as `::ffff:a.b.c.d`). */
export function formatIp(ip: Ip): string {
  return ip.family === 4 ? formatV4(Number(ip.value)) : formatV6(ip.value);
}

/** Family 4 before 6, then by value. */
export function compareIp(a: Ip, b: Ip): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

export const equalIp = (a: Ip, b: Ip): boolean => a.family === b.family && a.value === b.value;

/** The bit at `index`, which counts from 0 at the most significant one. */
export const bitAt = (ip: Ip, index: number): 0 | 1 =>
  (ip.value >> BigInt(bitsOf(ip.family) - 1 - index)) & 1n ? 1 : 0;

/** Any address that text can say, mapped ones too. */
export function readIp(text: string): Ip | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return { family: 4, value: v4 };
  const v6 = parseV6(text);
  return v6 === undefined ? undefined : { family: 6, value: v6 };
}

/** Character by character: this is read at every event of the store. */
function parseV4(text: string): bigint | undefined {
  let value = 0;
  let dots = 0;
  let octet: number | undefined;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit === DOT) {
      if (octet === undefined || ++dots > 3) return undefined;
      value = value * 256 + octet;
      octet = undefined;
    } else if (digit < 0 || digit > 9 || octet === 0) return undefined;
    else octet = (octet ?? 0) * 10 + digit;
    if (octet !== undefined && octet > 255) return undefined;
  }
  return dots === 3 && octet !== undefined ? BigInt(value * 256 + octet) : undefined;
}

const ZERO = "0".charCodeAt(0);
const DOT = ".".charCodeAt(0) - ZERO;

function parseV6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** 16-bit groups of one side of `::`; a dotted quad may end the text (`last`). */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(parseInt(part, 16));
    else {
      const quad = last && i === parts.length - 1 ? parseV4(part) : undefined;
      if (quad === undefined) return undefined;
      groups.push(Number(quad >> 16n), Number(quad & 0xffffn));
    }
  }
  return groups;
}

function formatV4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function formatV6(value: bigint): string {
  if (isMapped({ family: 6, value })) return `::ffff:${formatV4(Number(value & 0xffffffffn))}`;
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(16 * (7 - i))) & 0xffffn));
  const zeros = longestZeroRun(groups);
  const hex = (list: number[]): string => list.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

/** RFC 5952 section 4.2.3: the longest run of zero groups, the first among equals. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
