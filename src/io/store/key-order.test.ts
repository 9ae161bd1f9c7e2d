import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareKeys, endOfPrefix, lowerBound } from "./key-order.ts";

/** Well-formed texts, mostly of characters on both sides of the surrogates. */
const key = fc.string({
  unit: fc.oneof(
    fc.constantFrom("a", "\ud7ff", "\ue000", "\uffff", "𐀀", "\u{10ffff}"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 6,
});
const bytesOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

test("keys are ordered as the bytes of their UTF-8", () => {
  fc.assert(fc.property(key, key, (a, b) => assert.equal(Math.sign(compareKeys(a, b)), bytesOrder(a, b))));
});

test("the end of a prefix is above all that starts with it, and nothing else lies between", () => {
  const property = fc.property(key, key, key, (prefix, rest, other) => {
    const end = endOfPrefix(prefix);
    if (end === undefined) return assert.match(prefix, /^\u{10ffff}*$/u);
    assert.ok(end.isWellFormed());
    assert.ok(bytesOrder(prefix + rest, end) < 0);
    const isBetween = bytesOrder(prefix, other) <= 0 && bytesOrder(other, end) < 0;
    assert.equal(isBetween, other.startsWith(prefix));
  });
  fc.assert(property, { numRuns: 1000 });
});

test("the lower bound is where a key would be put", () => {
  const property = fc.property(fc.uniqueArray(key), key, (keys, wanted) => {
    const sorted = keys.sort(compareKeys);
    const at = lowerBound(sorted, wanted);
    assert.ok(sorted.slice(0, at).every((each) => compareKeys(each, wanted) < 0));
    assert.ok(sorted.slice(at).every((each) => compareKeys(each, wanted) >= 0));
  });
  fc.assert(property);
});
