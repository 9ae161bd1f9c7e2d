// As much of protobuf's wire format (https://protobuf.dev/programming-guides/encoding) as it takes to find one field.

const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** Bytes of what has a fixed size, by wire type. */
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
/** Of a number of 64 bits. */
const VARINT_BYTES = 10;

/** Every value of field 1, whose type is a text or a message; others are skipped. Throws an Error where the bytes are none of the format. */
export function fieldOne(message: Buffer): Buffer[] {
  const values: Buffer[] = [];
  for (let at = 0; at < message.length;) {
    const { value: tag, next } = readVarint(message, at);
    const type = tag & 7;
    const number = type === VARINT || type === LENGTH_DELIMITED ? readVarint(message, next) : undefined;
    const start = number?.next ?? next;
    const size = type === LENGTH_DELIMITED ? number?.value : type === VARINT ? 0 : FIXED[type];
    if (size === undefined || start + size > message.length) throw new Error(`no field at byte ${at}`);
    at = start + size;
    if (tag >>> 3 === 1 && type === LENGTH_DELIMITED) values.push(message.subarray(start, at));
  }
  return values;
}

/** Tags and lengths have at most 32 bits; of what is longer only the place of the next field is asked for. */
function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = start; at < Math.min(bytes.length, start + VARINT_BYTES); at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return { value, next: at + 1 };
  }
  throw new Error(`no number at byte ${start}`);
}
