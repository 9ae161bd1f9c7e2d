// Messages as bytes of Protocol Buffers.
import { type Field, type Integer, type Message, type Values, wireOf } from "./protobuf.ts";

/** Filled from its end, so that what a length stands before is there when it is written. */
type Sink = { bytes: Buffer; start: number };
type Write = (sink: Sink, value: unknown) => void;

const FIRST_SIZE = 1024;

/** Makes the function that writes `message`; of its fields those that are there, whatever their value. */
export function writerOf<T extends object>(message: Message): (values: T) => Buffer {
  const write = fieldsWriter(message);
  return (values) => {
    const sink = { bytes: Buffer.allocUnsafe(FIRST_SIZE), start: FIRST_SIZE };
    write(sink, values);
    return sink.bytes.subarray(sink.start);
  };
}

function fieldsWriter(message: Message): Write {
  const fields = Object.entries(message)
    .map(([name, [id, type]]) => ({ name, tag: (id << 3) | wireOf(type), write: valueWriter(type) }))
    .reverse();
  return (sink, values) => {
    for (const { name, tag, write } of fields) {
      const value = (values as Values)[name];
      if (value === undefined || value === null) continue;
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      for (let i = list.length - 1; i >= 0; i--) {
        write(sink, list[i]);
        writeVarint(sink, tag);
      }
    }
  };
}

function valueWriter(type: Field[1]): Write {
  switch (type) {
    case "bytes":
      return (sink, value) => writeBytes(sink, value as Buffer);
    case "string":
      return (sink, value) => writeBytes(sink, Buffer.from(value as string));
    case "bool":
      return (sink, value) => writeVarint(sink, value ? 1 : 0);
    case "integer":
    case "unsigned":
      return (sink, value) => writeVarint(sink, value as Integer | string);
    default:
      return messageWriter(type);
  }
}

function messageWriter(message: Message): Write {
  const write = fieldsWriter(message);
  return (sink, value) => {
    const before = sink.bytes.length - sink.start;
    write(sink, value);
    writeVarint(sink, sink.bytes.length - sink.start - before);
  };
}

function writeBytes(sink: Sink, bytes: Buffer): void {
  const at = reserve(sink, bytes.length);
  sink.bytes.set(bytes, at);
  writeVarint(sink, bytes.length);
}

/** Seven bits a byte, the lowest first. `value`: as text where it is too great for a number. */
function writeVarint(sink: Sink, value: Integer | string): void {
  if (typeof value !== "number" || value < 0 || value > Number.MAX_SAFE_INTEGER)
    return writeGreat(sink, BigInt.asUintN(64, BigInt(value)));
  let count = 1;
  for (let limit = 128; value >= limit; limit *= 128) count++;
  let at = reserve(sink, count);
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) sink.bytes[at++] = (rest % 128) | 128;
  sink.bytes[at] = rest;
}

function writeGreat(sink: Sink, value: bigint): void {
  const groups: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 7n) groups.push(Number(rest & 127n) | 128);
  groups.push((groups.pop() ?? 0) & 127);
  const at = reserve(sink, groups.length);
  sink.bytes.set(groups, at);
}

/** Where `count` bytes before those written are. */
function reserve(sink: Sink, count: number): number {
  if (sink.start < count) grow(sink, count);
  sink.start -= count;
  return sink.start;
}

function grow(sink: Sink, count: number): void {
  const written = sink.bytes.subarray(sink.start);
  const bytes = Buffer.allocUnsafe(2 * (sink.bytes.length + count));
  bytes.set(written, bytes.length - written.length);
  sink.start = bytes.length - written.length;
  sink.bytes = bytes;
}
