// A prefix of either family. `ip` never has host bits set.
import { InputError } from "../../base/errors.ts";
import { bitsOf, compareIp, equalIp, formatIp, type Ip, isMapped, readIp } from "./ip.ts";

export type Cidr = { readonly ip: Ip; readonly length: number };

/** As `parseCidr`, `undefined` for what it refuses. */
export function tryParseCidr(text: string): Cidr | undefined {
  const read = readCidr(text);
  return read && !isMappedCidr(read) && equalIp(cidrOf(read.ip, read.length).ip, read.ip) ? read : undefined;
}

/**
 * Strict: address, slash, decimal length without leading zero, no host bits. Throws `InputError` codes `CIDR`, `CIDR_HOST_BITS`,
 * `CIDR_MAPPED` (inside ::ffff:0:0/96, see `tryParseIp`) that name `field`.
 */
export function parseCidr(text: string, field = "cidr"): Cidr {
  const refuse = (code: string, expected: string): InputError =>
    new InputError({ code, field, value: text, expected });
  const read = typeof text === "string" ? readCidr(text) : undefined;
  if (!read) throw refuse("CIDR", "an IPv4 or IPv6 prefix as 10.0.0.0/8 or fd00::/8");
  if (isMappedCidr(read)) throw refuse("CIDR_MAPPED", "the IPv4 prefix itself, as 10.0.0.0/8");
  const cidr = cidrOf(read.ip, read.length);
  if (equalIp(cidr.ip, read.ip)) return cidr;
  throw refuse("CIDR_HOST_BITS", `no host bits, as ${formatCidr(cidr)}`);
}

/** With host bits, as interfaces have them. */
function readCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const ip = match ? readIp(match[1] ?? "") : undefined;
  const length = Number(match?.[2]);
  return ip && length <= bitsOf(ip.family) ? { ip, length } : undefined;
}

/** A shorter prefix may hold mapped addresses too, as ::/0 does. */
const isMappedCidr = ({ ip, length }: Cidr): boolean => length >= 96 && isMapped(ip);

/** The prefix of `length` bits that holds `ip` (host bits are cleared). */
export function cidrOf(ip: Ip, length: number): Cidr {
  const host = hostBits(ip.family, length);
  return { ip: { family: ip.family, value: (ip.value >> host) << host }, length };
}

/** The prefix that holds just this address: /32 or /128. */
export const hostCidr = (ip: Ip): Cidr => ({ ip, length: bitsOf(ip.family) });

export const formatCidr = (cidr: Cidr): string => `${formatIp(cidr.ip)}/${cidr.length}`;

export const firstIp = (cidr: Cidr): Ip => cidr.ip;
export function lastIp(cidr: Cidr): Ip {
  return { family: cidr.ip.family, value: cidr.ip.value + sizeOf(cidr) - 1n };
}

/** Number of addresses. */
export const sizeOf = (cidr: Cidr): bigint => 1n << hostBits(cidr.ip.family, cidr.length);

export function containsIp(cidr: Cidr, ip: Ip): boolean {
  return (
    cidr.ip.family === ip.family && (cidr.ip.value ^ ip.value) >> hostBits(ip.family, cidr.length) === 0n
  );
}

/** Whether every address of `inner` is one of `outer`; a prefix contains itself. */
export const containsCidr = (outer: Cidr, inner: Cidr): boolean =>
  outer.length <= inner.length && containsIp(outer, inner.ip);

export const overlaps = (a: Cidr, b: Cidr): boolean => containsCidr(a, b) || containsCidr(b, a);

export const equalCidr = (a: Cidr, b: Cidr): boolean => a.length === b.length && equalIp(a.ip, b.ip);

/** By address, then the shorter (larger) prefix first. */
export const compareCidr = (a: Cidr, b: Cidr): number => compareIp(a.ip, b.ip) || a.length - b.length;

/** The longest prefix that holds both; they must be of one family. */
export function commonCidr(a: Cidr, b: Cidr): Cidr {
  const differing = (a.ip.value ^ b.ip.value).toString(2);
  const same = bitsOf(a.ip.family) - (differing === "0" ? 0 : differing.length);
  return cidrOf(a.ip, Math.min(a.length, b.length, same));
}

/** The `index`-th prefix of `length` bits inside `parent`. The caller keeps `index` within 2^(length - parent.length). */
export function subnet(parent: Cidr, length: number, index: bigint): Cidr {
  const { family, value } = parent.ip;
  return { ip: { family, value: value + (index << hostBits(family, length)) }, length };
}

const hostBits = (family: Ip["family"], length: number): bigint => BigInt(bitsOf(family) - length);
