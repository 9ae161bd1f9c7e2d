// A growing buffer of netlink messages. Lengths are filled in when a message or nested attribute ends.
import type { Ip } from "../net/ip.ts";
import { BugError } from "../../base/errors.ts";

const ALIGN = 4;
const HEADER = 16;
const encoder = new TextEncoder();

export type Writer = {
  /** Bytes so far; messages are whole when no `message` is open. */
  readonly size: () => number;
  /** One message: its header is made here, `body` writes the rest. */
  message(type: number, flags: number, sequence: number, body: () => void): void;
  u8(value: number): void;
  u16(value: number): void;
  u32(value: number): void;
  attribute(type: number, body: () => void): void;
  attributeU8(type: number, value: number): void;
  attributeU32(type: number, value: number): void;
  /** In the byte order of the network, as nfnetlink has it. */
  attributeBe32(type: number, value: number): void;
  /** 4 or 16 bytes. */
  attributeIp(type: number, ip: Ip): void;
  /** Zero-terminated. */
  attributeText(type: number, text: string): void;
  attributeBytes(type: number, bytes: ArrayLike<number>): void;
  ip(ip: Ip): void;
  /** Length of a structure that began at `start` (rtnexthop): u16 there. */
  patchLength(start: number): void;
  /** What was written; the buffer starts anew. */
  take(): Uint8Array;
};

/** How many bytes it took. Names are plain, so the encoder, which costs more than the rest of a message, is seldom called. */
function writeUtf8(text: string, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return encoder.encodeInto(text, bytes.subarray(at)).written;
    bytes[at + i] = code;
  }
  return text.length;
}

// long: one closure over one buffer, a method a line or two
export function createWriter(capacity = 4096): Writer {
  let bytes = new Uint8Array(capacity);
  let view = new DataView(bytes.buffer);
  let at = 0;
  const room = (n: number): void => {
    if (at + n <= bytes.length) return;
    const larger = new Uint8Array(Math.max(bytes.length * 2, at + n));
    larger.set(bytes);
    bytes = larger;
    view = new DataView(bytes.buffer);
  };
  const pad = (): void => {
    const end = (at + ALIGN - 1) & ~(ALIGN - 1);
    room(end - at);
    bytes.fill(0, at, end);
    at = end;
  };
  const u8 = (value: number): void => {
    room(1);
    bytes[at++] = value;
  };
  const u16 = (value: number): void => {
    room(2);
    view.setUint16(at, value, true);
    at += 2;
  };
  const u32 = (value: number): void => {
    room(4);
    view.setUint32(at, value, true);
    at += 4;
  };
  const ip = ({ family, value }: Ip): void => {
    room(16);
    if (family === 4) view.setUint32(at, Number(value), false);
    else {
      view.setBigUint64(at, value >> 64n, false);
      view.setBigUint64(at + 8, value & 0xffffffffffffffffn, false);
    }
    at += family === 4 ? 4 : 16;
  };
  const attribute = (type: number, body: () => void): void => {
    const start = at;
    u16(0);
    u16(type);
    body();
    view.setUint16(start, at - start, true);
    pad();
  };
  return {
    size: () => at,
    message: (type, flags, sequence, body) => {
      const start = at;
      u32(0);
      u16(type);
      u16(flags);
      u32(sequence);
      u32(0);
      body();
      if (at - start < HEADER) throw new BugError({ code: "NETLINK_MESSAGE_SHORT", type });
      view.setUint32(start, at - start, true);
      pad();
    },
    u8,
    u16,
    u32,
    ip,
    attribute,
    attributeU8: (type, value) => {
      attribute(type, () => {
        u8(value);
      });
    },
    attributeU32: (type, value) => {
      u16(8);
      u16(type);
      u32(value);
    },
    attributeBe32: (type, value) => {
      u16(8);
      u16(type);
      room(4);
      view.setUint32(at, value, false);
      at += 4;
    },
    attributeIp: (type, value) => {
      u16(value.family === 4 ? 8 : 20);
      u16(type);
      ip(value);
    },
    attributeText: (type, text) => {
      attribute(type, () => {
        room(3 * text.length + 1);
        at += writeUtf8(text, bytes, at);
        u8(0);
      });
    },
    attributeBytes: (type, list) => {
      attribute(type, () => {
        room(list.length);
        bytes.set(list, at);
        at += list.length;
      });
    },
    patchLength: (start) => {
      view.setUint16(start, at - start, true);
    },
    take: () => {
      const taken = bytes.slice(0, at);
      at = 0;
      return taken;
    },
  };
}
