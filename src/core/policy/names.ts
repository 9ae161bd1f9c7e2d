// Names of sets and chains. A name is made of what is meant (a selector, a policy's id), never of who is in it now or of when
// it was made: so it is the same on every node, after a restart, and while pods come and go; and policies that mean the
// same people share one set. Hashed, as selectors are long and names in the kernel are short; by SHA-256, as who can write
// a policy could otherwise write one whose name is that of another tenant's set.
import { sha256 } from "./sha256.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const LENGTH = 24;

/** `prefix`, a dash and 24 characters (a-z, 2-7) of 5 bits: a name for nft, 31 characters at most if `prefix` has 6. */
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
