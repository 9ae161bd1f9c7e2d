// A prefix of either family. `ip` never has host bits set.
import { InputError } from "../../base/errors.ts";
import { bitsOf, compareIp, formatIp, type Ip, tryParseIp } from "./ip.ts";

export type Cidr = { readonly ip: Ip; readonly length: number };

/** Strict: address, slash, decimal length without leading zero, no host bits. Throws `InputError` codes `CIDR`, `CIDR_HOST_BITS`. */
export function parseCidr(text: string, field = "cidr"): Cidr {
  const match = typeof text === "string" ? /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) : null;
  const ip = match ? tryParseIp(match[1] ?? "") : undefined;
  const length = Number(match?.[2]);
  if (!ip || length > bitsOf(ip.family))
    throw new InputError({
      code: "CIDR",
      field,
      value: text,
      expected: "an IPv4 or IPv6 prefix as 10.0.0.0/8 or fd00::/8",
    });
  const cidr = cidrOf(ip, length);
  if (cidr.ip.value !== ip.value)
    throw new InputError({
      code: "CIDR_HOST_BITS",
      field,
      value: text,
      expected: `no host bits, as ${formatCidr(cidr)}`,
    });
  return cidr;
}

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

export const equalCidr = (a: Cidr, b: Cidr): boolean =>
  a.length === b.length && a.ip.family === b.ip.family && a.ip.value === b.ip.value;

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
