// SHA-256 (FIPS 180-4), for core, which imports no node module.

/** Fractional parts of the cube roots (`K`) and square roots (`INITIAL`) of the first primes, as 32 bits: FIPS 180-4, 4.2.2 and 5.3.3. */
const PRIMES = firstPrimes(64);
const K = Uint32Array.from(PRIMES, (prime) => fraction(prime, 3n));
const INITIAL = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(prime, 2n));

/** 32 bytes. Lone surrogates count as U+FFFD. */
export function sha256(text: string): Uint8Array {
  const state = INITIAL.slice();
  const schedule = new Uint32Array(64);
  const message = padded(text);
  for (let at = 0; at < message.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) schedule[i] = message.getUint32(at + 4 * i);
    compress(state, schedule);
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/** 32 bits of it: spreads names evenly, and always in the same way. */
export const hashOf = (text: string): number => new DataView(sha256(text).buffer).getUint32(0);

/** The text, a one bit, zeros, and the length in bits, filling blocks of 64 bytes. */
function padded(text: string): DataView {
  const bytes = utf8(text);
  const message = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(message.length - 8, BigInt(bytes.length) * 8n);
  return view;
}

function compress(state: Uint32Array, w: Uint32Array): void {
  for (let i = 16; i < 64; i++) {
    const [a, b] = [at(w, i - 15), at(w, i - 2)];
    const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
    const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
    w[i] = at(w, i - 16) + s0 + at(w, i - 7) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(K, i) + at(w, i)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = at(state, i) + word));
}

const at = (words: Uint32Array, i: number): number => words[i] ?? 0;
const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text.toWellFormed());
  const bytes = new Uint8Array(escaped.length);
  let length = 0;
  for (let i = 0; i < escaped.length; i++) {
    const percent = escaped[i] === "%";
    bytes[length++] = percent ? parseInt(escaped.slice(i + 1, i + 3), 16) : escaped.charCodeAt(i);
    if (percent) i += 2;
  }
  return bytes.subarray(0, length);
}

function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < count; n++) if (primes.every((p) => n % p !== 0n)) primes.push(n);
  return primes;
}

/** The first 32 bits after the point of the `degree`-th root: the integer root of `n` shifted by that many bits, found bit by bit. */
function fraction(n: bigint, degree: bigint): number {
  const shifted = n << (32n * degree);
  let root = 0n;
  for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) if ((root + bit) ** degree <= shifted) root += bit;
  return Number(root & 0xffff_ffffn);
}
