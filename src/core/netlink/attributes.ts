// Reading fixed fields and attributes out of a netlink message. A RangeError means that the message is malformed.
import type { Family, Ip } from "../net/ip.ts";
import { AF } from "./constants.ts";

const utf8 = new TextDecoder();

/** Netlink pads messages, attributes and next hops to four bytes. */
export const align = (n: number): number => (n + 3) & ~3;

/** Throws where fewer than `size` bytes lie between `from` and `end`: the view itself goes on to the next message. */
export function need(from: number, size: number, end: number): void {
  if (end - from < size) throw new RangeError("cut short");
}

/** Calls `each` with an attribute's type (flags cleared) and the bounds of its payload. */
export function eachAttribute(
  view: DataView,
  from: number,
  end: number,
  each: (type: number, from: number, to: number) => void,
): void {
  for (let at = from; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) throw new RangeError("attribute overruns its message");
    each(view.getUint16(at + 2, true) & 0x3fff, at + 4, at + length);
    at += align(length);
  }
}

export function u8At(view: DataView, from: number, to: number): number {
  need(from, 1, to);
  return view.getUint8(from);
}

export function u32At(view: DataView, from: number, to: number): number {
  need(from, 4, to);
  return view.getUint32(from, true);
}

export function ipAt(view: DataView, from: number, to: number, family: Family): Ip {
  need(from, family === 4 ? 4 : 16, to);
  if (family === 4) return { family, value: BigInt(view.getUint32(from, false)) };
  return { family, value: (view.getBigUint64(from, false) << 64n) | view.getBigUint64(from + 8, false) };
}

/** Up to a zero byte, if there is one. */
export function textAt(view: DataView, from: number, to: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + from, to - from);
  const zero = bytes.indexOf(0);
  return utf8.decode(zero < 0 ? bytes : bytes.subarray(0, zero));
}

/** As `02:00:00:00:00:01`. */
export function macAt(view: DataView, from: number, to: number): string {
  const parts: string[] = [];
  for (let i = from; i < to; i++) parts.push(view.getUint8(i).toString(16).padStart(2, "0"));
  return parts.join(":");
}

/** AF_INET, AF_INET6; `undefined` for all others. */
export const familyOf = (af: number): Family | undefined => (af === AF[4] ? 4 : af === AF[6] ? 6 : undefined);
