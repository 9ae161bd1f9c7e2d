// Reading the fields of a document that somebody wrote: each reader gives the value, or reports what is wrong and where and
// gives something harmless in its place, so that reading goes on and every fault is found. Knows no document.
import { type Fault, InputError } from "../../base/errors.ts";
import { type Cidr, parseCidr } from "../net/cidr.ts";
import { type Ip, parseIp } from "../net/ip.ts";

export type Report = (fault: Fault) => void;
export type Json = Readonly<Record<string, unknown>>;
/** A value and its place in the document: `topologies[0].map[2]`. "" is the document itself. */
export type Place = { readonly value: unknown; readonly field: string };

export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An own field: what an object inherits is not in the document. */
export const at = (item: Json, key: string, field: string): Place => ({
  value: Object.hasOwn(item, key) ? item[key] : undefined,
  field: field === "" ? key : `${field}.${key}`,
});

/** The object, when it is one; fields that are not `known` are reported, the rest is read on. */
export function readRecord(
  { value, field }: Place,
  known: readonly string[],
  expected: string,
  report: Report,
): Json | undefined {
  if (!isRecord(value)) {
    report({ code: "OBJECT", field: field || "document", value, expected });
    return undefined;
  }
  for (const key of Object.keys(value))
    if (!known.includes(key))
      report({ code: "FIELD_UNKNOWN", ...at(value, key, field), expected: `one of ${known.join(", ")}` });
  return value;
}

/** The elements with their places; none where the field is absent or null. */
export function readList({ value, field }: Place, expected: string, report: Report): Place[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value))
    return value.map((each: unknown, i) => ({ value: each, field: `${field}[${i}]` }));
  report({ code: "LIST", field, value, expected });
  return [];
}

/** As `readList`, with at least one element. */
export function readFullList(place: Place, expected: string, report: Report): Place[] {
  const { value, field } = place;
  if (Array.isArray(value) && value.length > 0) return readList(place, expected, report);
  report({ code: "LIST", field: field || "document", value, expected: `${expected}, at least one` });
  return [];
}

const MOST = 253;
const NAME = /^(?!\.\.?$)[^\p{C}\p{Z}/]+$/u;
const NAME_WITH_BLANKS = /^(?!\.\.?$)[^\p{C}\p{Z}/]+(?: +[^\p{C}\p{Z}/]+)*$/u;
/** What `readName` reads without a fault. */
export const isName = (text: string): boolean => text.length <= MOST && NAME.test(text);

/**
 * 1 to 253 visible characters, no "/", which joins names to paths, and neither "." nor "..", which paths resolve. `spaces`: blanks inside are
 * allowed. "" when it is no name.
 */
export function readName({ value, field }: Place, report: Report, { spaces = false } = {}): string {
  const pattern = spaces ? NAME_WITH_BLANKS : NAME;
  if (typeof value === "string" && value.length <= MOST && pattern.test(value)) return value;
  const what = spaces ? "visible characters, no blank at either end" : "visible characters, no blank";
  report({ code: "NAME", field, value, expected: `a name of 1 to 253 ${what}, no "/", not . or ..` });
  return "";
}

/** Node labels. */
export function readLabels({ value, field }: Place, report: Report): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) {
    report({ code: "ASSIGNMENT", field, value, expected: "labels as {key: text}" });
    return {};
  }
  const labels = Object.entries(value).filter((entry): entry is [string, string] => {
    const isText = typeof entry[1] === "string" && entry[0] !== "" && !/\p{Cc}/u.test(entry.join(""));
    const [key, text] = entry;
    if (!isText)
      report({
        code: "ASSIGNMENT",
        field: `${field}.${key}`,
        value: text,
        expected: "a label's value as text (in quotes, where it looks like a number or a truth value)",
      });
    return isText;
  });
  return Object.fromEntries(labels);
}

export const readCidr = ({ value, field }: Place, report: Report): Cidr | undefined =>
  attempt(() => parseCidr(value as string, field), report);

export const readIp = ({ value, field }: Place, report: Report): Ip | undefined =>
  attempt(() => parseIp(value as string, field), report);

/** What `parse` gives, or its faults reported. */
function attempt<T>(parse: () => T, report: Report): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    error.faults.forEach(report);
    return undefined;
  }
}

/** Reports every later place of a name that an earlier one has. Empty names are faults already. */
export function reportDuplicates(names: Iterable<Place>, expected: string, report: Report): void {
  const seen = new Set<unknown>();
  for (const { value, field } of names) {
    if (value !== "" && seen.has(value)) report({ code: "DUPLICATE", field, value, expected });
    seen.add(value);
  }
}

/** Whether a value nests deeper than `limit`: without recursion, as it may be meant to break that. */
export function isDeeper(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  const valuesOf = (each: unknown): unknown[] =>
    typeof each === "object" && each !== null ? Object.values(each) : [];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap(valuesOf);
  }
  return false;
}
