// The frames of native/README.md, as bytes. Decides nothing.
import { BugError } from "../../base/errors.ts";

export const OP = {
  open: 1,
  send: 2,
  close: 3,
  netns: 4,
  readFile: 6,
  writeFile: 7,
  run: 8,
  recv: 16,
  overrun: 17,
} as const;
export type Frame = { readonly op: number; readonly id: number; readonly payload: Buffer };

const HEAD = 9;
const MAX_FRAME = 64 << 20;

export function encodeFrame(op: number, id: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(HEAD - 4 + parts.reduce((size, part) => size + part.length, 0), 0);
  head.writeUInt8(op, 4);
  head.writeUInt32LE(id, 5);
  return Buffer.concat([head, ...parts]);
}

export const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32LE(value >>> 0, 4 * i));
  return bytes;
};
/** Texts, each ended by a zero byte. */
export const texts = (...values: readonly string[]): Buffer =>
  Buffer.from(values.map((value) => `${value}\0`).join(""), "utf8");

/** Cuts a stream of chunks into frames; what is not whole yet waits for the next chunk. */
export function frameReader(each: (frame: Frame) => void): (chunk: Buffer) => void {
  let waiting: Buffer[] = [];
  let size = 0;
  return (chunk) => {
    waiting.push(chunk);
    size += chunk.length;
    const first = waiting[0];
    if (size < 4 || (first && first.length >= 4 && size < 4 + lengthOf(first))) return;
    let bytes = waiting.length === 1 ? chunk : Buffer.concat(waiting, size);
    while (bytes.length >= 4) {
      const length = lengthOf(bytes);
      if (bytes.length < 4 + length) break;
      each({ op: bytes.readUInt8(4), id: bytes.readUInt32LE(5), payload: bytes.subarray(HEAD, 4 + length) });
      bytes = bytes.subarray(4 + length);
    }
    waiting = bytes.length > 0 ? [bytes] : [];
    size = bytes.length;
  };
}

/** BugError `NATIVE_FRAME`: the other end is not our helper, or we have lost our place. */
function lengthOf(bytes: Buffer): number {
  const length = bytes.readUInt32LE(0);
  if (length < HEAD - 4 || length > MAX_FRAME) throw new BugError({ code: "NATIVE_FRAME", length });
  return length;
}
