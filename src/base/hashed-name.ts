// Short names for long texts: the same on every machine and after every restart. By SHA-256, as whoever may choose a text must
// not be able to give it the name of somebody else's.
import { sha256 } from "./sha256.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const LENGTH = 24;

/** `prefix`, a dash and 24 characters (a-z, 2-7) of 5 bits each. */
export function hashedName(prefix: string, text: string): string {
  const digest = sha256(text);
  const letters = Array.from({ length: LENGTH }, (_, i) => ALPHABET[bitsAt(digest, 5 * i)]);
  return `${prefix}-${letters.join("")}`;
}

/** Five bits from `offset` on. */
function bitsAt(bytes: Uint8Array, offset: number): number {
  const at = offset >> 3;
  const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return (pair >> (11 - (offset & 7))) & 31;
}
