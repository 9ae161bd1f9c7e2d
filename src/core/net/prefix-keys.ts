// Prefixes of one family as rows of 32-bit words, for work on a million of them: sorting, comparing, single bits.
// Nothing here allocates per prefix; elsewhere use `Cidr`.
import type { Cidr } from "./cidr.ts";
import type { Family } from "./ip.ts";

/** Row i is `words[i * stride ...]`: the address, most significant word first, then the prefix length. */
export type PrefixKeys = { readonly count: number; readonly stride: 2 | 5; readonly words: Uint32Array };

/** `prefixes` are all of `family`. */
export function prefixKeys(family: Family, prefixes: readonly Cidr[]): PrefixKeys {
  const stride = family === 4 ? 2 : 5;
  const words = new Uint32Array(prefixes.length * stride);
  const scratch = new DataView(new ArrayBuffer(16));
  let at = 0;
  for (const { ip, length } of prefixes) {
    if (family === 4) words[at++] = Number(ip.value);
    else {
      scratch.setBigUint64(0, ip.value >> 64n);
      scratch.setBigUint64(8, ip.value); // keeps the low 64 bits
      for (let byte = 0; byte < 16; byte += 4) words[at++] = scratch.getUint32(byte);
    }
    words[at++] = length;
  }
  return { count: prefixes.length, stride, words };
}

export const lengthOf = ({ words, stride }: PrefixKeys, i: number): number =>
  words[i * stride + stride - 1] ?? 0;

/** The bit at `index` of row `i`, counted from the most significant one. */
export const keyBit = ({ words, stride }: PrefixKeys, i: number, index: number): number =>
  ((words[i * stride + (index >>> 5)] ?? 0) >>> (31 - (index & 31))) & 1;

/** Length of the longest prefix that holds rows `i` and `j`. */
export function commonLength(keys: PrefixKeys, i: number, j: number): number {
  const { words, stride } = keys;
  const most = Math.min(lengthOf(keys, i), lengthOf(keys, j));
  for (let word = 0; word < stride - 1; word++) {
    const differing = (words[i * stride + word] ?? 0) ^ (words[j * stride + word] ?? 0);
    if (differing !== 0) return Math.min(most, word * 32 + Math.clz32(differing));
  }
  return most;
}

/**
 * The row numbers by address, a prefix before those inside it, equal rows in the order given. A least significant
 * digit radix sort over bytes: linear, and several times faster than a comparing sort of a million rows.
 */
export function sortedOrder(keys: PrefixKeys): Uint32Array {
  let order: Uint32Array = Uint32Array.from({ length: keys.count }, (_, i) => i);
  let spare: Uint32Array = new Uint32Array(keys.count);
  for (let word = keys.stride - 1; word >= 0; word--)
    for (let shift = 0; shift < 32; shift += 8)
      if (sortByByte(keys, word, shift, order, spare)) [order, spare] = [spare, order];
  return order;
}

/** Moves `order` to `spare`, stably sorted by one byte; false, and nothing moved, if all rows have the same one. */
function sortByByte(
  { words, stride, count }: PrefixKeys,
  word: number,
  shift: number,
  order: Uint32Array,
  spare: Uint32Array,
): boolean {
  const starts = new Uint32Array(257);
  for (let at = word; at < words.length; at += stride) {
    const byte = ((words[at] ?? 0) >>> shift) & 255;
    starts[byte + 1] = (starts[byte + 1] ?? 0) + 1;
  }
  if (starts.includes(count)) return false;
  for (let byte = 1; byte < 257; byte++) starts[byte] = (starts[byte] ?? 0) + (starts[byte - 1] ?? 0);
  for (let i = 0; i < count; i++) {
    const row = order[i] ?? 0;
    const byte = ((words[row * stride + word] ?? 0) >>> shift) & 255;
    const place = starts[byte] ?? 0;
    spare[place] = row;
    starts[byte] = place + 1;
  }
  return true;
}
