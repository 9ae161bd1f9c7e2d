// A run of addresses of one family, both ends included. Knows prefixes, not sets: those are prefix-set.ts.
import { InputError } from "../../base/errors.ts";
import { type Cidr, firstIp, lastIp, parseCidr } from "./cidr.ts";
import { bitsOf, type Ip, tryParseIp } from "./ip.ts";

/** `first` and `last` are of one family and `first` is not after `last`. */
export type IpRange = { readonly first: Ip; readonly last: Ip };

/**
 * Strict: `10.0.0.5-10.0.0.9` (no spaces, both ends included) or a prefix as `10.0.0.0/29`.
 * Throws `InputError` codes `RANGE`, `RANGE_ORDER`, and those of `parseCidr`.
 */
export function parseRange(text: string, field = "range"): IpRange {
  if (typeof text === "string" && text.includes("/")) return cidrToRange(parseCidr(text, field));
  const ends = typeof text === "string" ? text.split("-").map(tryParseIp) : [];
  const [first, last] = ends;
  if (!first || !last || ends.length !== 2 || first.family !== last.family)
    throw new InputError({
      code: "RANGE",
      field,
      value: text,
      expected: "two addresses of one family as 10.0.0.5-10.0.0.9, or a prefix as 10.0.0.0/29",
    });
  if (first.value > last.value)
    throw new InputError({ code: "RANGE_ORDER", field, value: text, expected: "the lower address first" });
  return { first, last };
}

export const cidrToRange = (cidr: Cidr): IpRange => ({ first: firstIp(cidr), last: lastIp(cidr) });

/** The fewest prefixes that hold exactly the addresses of the range, in ascending order; at most 2 x bits - 2. */
export function rangeToCidrs(range: IpRange): Cidr[] {
  const { family } = range.first;
  const cidrs: Cidr[] = [];
  // Sizes first grow, then shrink, so `host` is carried from one prefix to the next and the loop is linear in bits.
  for (let value = range.first.value, host = 0n; value <= range.last.value; value += 1n << host) {
    while (fits(value, host + 1n, range.last.value)) host++;
    while (!fits(value, host, range.last.value)) host--;
    cidrs.push({ ip: { family, value }, length: bitsOf(family) - Number(host) });
  }
  return cidrs;
}

/** Whether a prefix with `host` host bits may start at `value` and ends no later than `last`. */
function fits(value: bigint, host: bigint, last: bigint): boolean {
  const mask = (1n << host) - 1n;
  return (value & mask) === 0n && value + mask <= last;
}
