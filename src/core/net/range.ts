// A run of addresses, both ends included, as bare numbers of one family that whoever holds it knows.
import { type Cidr, firstIp, lastIp } from "./cidr.ts";
import { bitsOf, type Family } from "./ip.ts";

/** `first` is not after `last`. */
export type Range = { readonly first: bigint; readonly last: bigint };

export const rangeOf = (cidr: Cidr): Range => ({ first: firstIp(cidr).value, last: lastIp(cidr).value });

/** The fewest prefixes that hold exactly the addresses of the range, in ascending order; at most 2 x bits - 2. */
export function rangeToCidrs(family: Family, { first, last }: Range): Cidr[] {
  const cidrs: Cidr[] = [];
  // Sizes first grow, then shrink, so `host` is carried from one prefix to the next and the loop is linear in bits.
  for (let value = first, host = 0n; value <= last; value += 1n << host) {
    while (fits(value, host + 1n, last)) host++;
    while (!fits(value, host, last)) host--;
    cidrs.push({ ip: { family, value }, length: bitsOf(family) - Number(host) });
  }
  return cidrs;
}

/** Whether a prefix with `host` host bits may start at `value` and ends no later than `last`. */
function fits(value: bigint, host: bigint, last: bigint): boolean {
  const mask = (1n << host) - 1n;
  return (value & mask) === 0n && value + mask <= last;
}
