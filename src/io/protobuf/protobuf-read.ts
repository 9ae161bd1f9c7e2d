// Bytes of Protocol Buffers as messages. What is not known is skipped. By hand, because it is what a daemon does most: it reads what every other
// one writes.
import { broken, type Field, type Integer, type Message, type Values, WIRE, wireOf } from "./protobuf.ts";

/** A place in bytes. */
type Cursor = { readonly bytes: Buffer; at: number };
type Known = {
  readonly name: string;
  readonly wire: number;
  readonly isList: boolean;
  readonly read: (cursor: Cursor) => unknown;
};

/** Makes the function that reads `message`: absent fields have their defaults, messages `null`. Throws UnavailableError `PROTOBUF`. */
export function readerOf<T>(message: Message): (bytes: Buffer) => T {
  const read = fieldsReader(message);
  return (bytes) => read({ bytes, at: 0 }, bytes.length) as T;
}

function fieldsReader(message: Message): (cursor: Cursor, end: number) => Values {
  const fields = Object.entries(message);
  const defaults = Object.fromEntries(fields.map(([name, [, type]]) => [name, defaultOf(type)]));
  const lists = fields.filter(([, [, , rule]]) => rule === "repeated").map(([name]) => name);
  const known: (Known | undefined)[] = [];
  for (const [name, [id, type, rule]] of fields)
    known[id] = { name, wire: wireOf(type), isList: rule === "repeated", read: valueReader(type) };
  return (cursor, end) => {
    const values: Values = { ...defaults };
    for (const name of lists) values[name] = [];
    while (cursor.at < end) {
      const tag = readSize(cursor);
      const field = known[tag >>> 3];
      if (field?.wire !== (tag & 7)) skip(cursor, tag & 7);
      else if (field.isList) (values[field.name] as unknown[]).push(field.read(cursor));
      else values[field.name] = field.read(cursor);
    }
    if (cursor.at > end) throw broken("a field is longer than its message");
    return values;
  };
}

const DEFAULTS = { bytes: Buffer.alloc(0), string: "", bool: false, integer: 0, unsigned: 0 } as const;
const defaultOf = (type: Field[1]): unknown => (typeof type === "string" ? DEFAULTS[type] : null);

function valueReader(type: Field[1]): Known["read"] {
  if (typeof type !== "string") {
    const read = fieldsReader(type);
    return (cursor) => read(cursor, endOf(cursor));
  }
  switch (type) {
    case "bytes":
      return readBytes;
    case "string":
      return (cursor) => readBytes(cursor).toString();
    case "bool":
      return (cursor) => readVarint(cursor) !== 0;
    case "integer":
      return (cursor) => signed(readVarint(cursor));
    case "unsigned":
      return readVarint;
  }
}

/** Not copied. */
function readBytes(cursor: Cursor): Buffer {
  const end = endOf(cursor);
  const bytes = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}

/** Of what comes after its length. */
function endOf(cursor: Cursor): number {
  const length = readSize(cursor);
  const end = cursor.at + length;
  if (end > cursor.bytes.length) throw broken("a field is longer than the bytes");
  return end;
}

function readSize(cursor: Cursor): number {
  const value = readVarint(cursor);
  if (typeof value === "bigint") throw broken("a tag or length is too great");
  return value;
}

/** Of seven bits each. */
const MOST_BYTES = 10;

function readVarint(cursor: Cursor): Integer {
  const start = cursor.at;
  let value = 0;
  for (let scale = 1; cursor.at < start + MOST_BYTES; scale *= 128) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) throw broken("the bytes end amid a number");
    value += (byte & 127) * scale;
    if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : exact(cursor.bytes, start, cursor.at);
  }
  throw broken("a number is too long");
}

function exact(bytes: Buffer, start: number, end: number): bigint {
  let value = 0n;
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt((bytes[at] ?? 0) & 127);
  return BigInt.asUintN(64, value);
}

/** Two's complement: negative ones come as the greatest. */
function signed(value: Integer): Integer {
  if (typeof value === "number") return value;
  const result = BigInt.asIntN(64, value);
  return Number.isSafeInteger(Number(result)) ? Number(result) : result;
}

function skip(cursor: Cursor, wire: number): void {
  if (wire === WIRE.VARINT) readVarint(cursor);
  else if (wire === WIRE.LENGTH) cursor.at = endOf(cursor);
  else if (wire === WIRE.FIXED64) cursor.at += 8;
  else if (wire === WIRE.FIXED32) cursor.at += 4;
  else throw broken(`wire type ${wire}`);
}
