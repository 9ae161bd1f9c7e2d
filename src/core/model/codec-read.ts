// Reads JSON values strictly: what is not exactly as expected is garbage, named by key and field. Owns no record shape.
import { InputError, UnavailableError } from "../../base/errors.ts";
import { type Cidr, formatCidr, parseCidr } from "../net/cidr.ts";
import { formatIp, type Ip, parseIp } from "../net/ip.ts";

/** A value at a place in a record: `field` is for people, as `slots[3].state`. */
export type Reader = { readonly key: string; readonly field: string; readonly value: unknown };

/** UnavailableError `STORE_GARBAGE`: the store holds what no Romana wrote. Retrying may help once a human has mended it. */
export function garbage(reader: Reader, expected: string): UnavailableError {
  const { key, field, value } = reader;
  return new UnavailableError({ code: "STORE_GARBAGE", key, field, value, expected });
}

export function parseText(key: string, text: string): Reader {
  try {
    return { key, field: "", value: JSON.parse(text) as unknown };
  } catch (cause) {
    throw new UnavailableError({ code: "STORE_GARBAGE", key, value: text, expected: "JSON" }, { cause });
  }
}

/** The fields of an object that has all of `required`, perhaps some of `optional`, and no other. */
export function readObject<R extends string, O extends string = never>(
  reader: Reader,
  required: readonly R[],
  optional: readonly O[] = [],
): Record<R, Reader> & Partial<Record<O, Reader>> {
  const record = recordOf(reader);
  const fields: Partial<Record<string, Reader>> = {};
  let left = Object.keys(record).length;
  for (const name of [...required, ...optional]) {
    if (!Object.hasOwn(record, name)) continue;
    fields[name] = memberOf(reader, name, record[name]);
    left--;
  }
  if (left > 0) throw surplus(reader, record, fields);
  for (const name of required)
    if (fields[name] === undefined) throw garbage(memberOf(reader, name, undefined), "a value");
  return fields as Record<R, Reader> & Partial<Record<O, Reader>>;
}

function surplus(reader: Reader, record: Json, known: object): UnavailableError {
  const name = Object.keys(record).find((each) => !Object.hasOwn(known, each)) ?? "";
  return garbage(memberOf(reader, name, record[name]), "no such field");
}

/** Any object, as pairs. */
export function readRecord(reader: Reader): [string, Reader][] {
  return Object.entries(recordOf(reader)).map(([name, each]) => [name, memberOf(reader, name, each)]);
}

type Json = Readonly<Record<string, unknown>>;

/** Any object as it is, for those who read very many. */
export function recordOf(reader: Reader): Json {
  const { value } = reader;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw garbage(reader, "an object");
  return value as Json;
}

export const memberOf = (reader: Reader, name: string, value: unknown): Reader => ({
  key: reader.key,
  field: reader.field === "" ? name : `${reader.field}.${name}`,
  value,
});

export function readArray<T>(reader: Reader, read: (element: Reader) => T): T[] {
  if (!Array.isArray(reader.value)) throw garbage(reader, "an array");
  return reader.value.map((value: unknown, i) =>
    read({ key: reader.key, field: `${reader.field}[${i}]`, value }),
  );
}

export function readString(reader: Reader): string {
  if (typeof reader.value !== "string") throw garbage(reader, "a string");
  return reader.value;
}

/** A whole number from 0 to 2^53 - 1. */
export function readCount(reader: Reader): number {
  if (!Number.isSafeInteger(reader.value) || Number(reader.value) < 0)
    throw garbage(reader, "a whole number");
  return Number(reader.value);
}

export function readStrings(reader: Reader): Record<string, string> {
  return Object.fromEntries(readRecord(reader).map(([name, each]) => [name, readString(each)]));
}

/** Canonical text only, so that one prefix has one key. */
export const readCidr = (reader: Reader): Cidr => readAddress(reader, parseCidr, formatCidr);
export const readIp = (reader: Reader): Ip => readAddress(reader, parseIp, formatIp);

function readAddress<T>(reader: Reader, parse: (text: string) => T, format: (value: T) => string): T {
  const text = readString(reader);
  try {
    const value = parse(text);
    // IPv4 has one form only, as strictly as it is parsed.
    if (!text.includes(":") || format(value) === text) return value;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  throw garbage(reader, "an address or prefix in canonical form");
}
