import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { hashedName } from "./hashed-name.ts";
import { sha256 } from "./sha256.ts";

const theirs = (text: string): string => createHash("sha256").update(text.toWellFormed()).digest("hex");
const ours = (text: string): string => Buffer.from(sha256(text)).toString("hex");

test("sha256 is what node's crypto makes of any text, of every length round a block", () => {
  for (let length = 0; length < 200; length++) {
    const text = "é%a".repeat(length).slice(0, length);
    assert.equal(ours(text), theirs(text), `length ${length}`);
  }
  const anyText = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
  fc.assert(fc.property(anyText, (text) => ours(text) === theirs(text)));
});

test("a name has 24 characters of five bits of the digest, each of its own bits", () => {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  const bits = [...sha256("x")].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const expected = Array.from({ length: 24 }, (_, i) => letters[parseInt(bits.slice(5 * i, 5 * i + 5), 2)]);
  assert.equal(hashedName("pods", "x"), `pods-${expected.join("")}`);
});
