import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../base/errors.ts";
import { parseDocument, parseDocuments } from "./parse-document.ts";

const parse = (text: string | Uint8Array): unknown =>
  parseDocument(typeof text === "string" ? Buffer.from(text) : text, "file");

for (const [what, text] of [
  ["JSON", '{"a": [1, "x"]}'],
  ["JSON with // comments", '// hi\n{"a": [1, "x"]} // end\n'],
  ["JSON with # comments", '# hi\n{"a": [1, # one\n "x"]}'],
  ["JSON with block comments and a trailing comma", '/* hi */ {"a": [1, "x",]}'],
  ["JSON with quotes and signs in comments", '# a "quote, # twice\n// "b\n/* "c # */ {"a": [1, "x"]}'],
  ["YAML", "# hi\na:\n  - 1\n  - x\n"],
] as const)
  test(`reads ${what}`, () => {
    assert.deepEqual(parse(text), { a: [1, "x"] });
  });

test("a file of YAML may hold several documents, where several are wanted", () => {
  const text = Buffer.from("---\na: 1\n---\n# nothing\n---\nb: 2\n");
  assert.deepEqual(parseDocuments(text, "file"), [{ a: 1 }, { b: 2 }]);
  assert.deepEqual(parseDocuments(Buffer.from(""), "file"), []);
  assert.deepEqual(parseDocuments(Buffer.from("[1]"), "file"), [[1]]);
  assert.throws(() => parseDocument(text, "file"), /several documents/);
});

test("comment signs inside strings stay", () => {
  assert.deepEqual(parse('{"a": "x // y # z"}'), { a: "x // y # z" });
});

for (const [what, text, code] of [
  ["broken JSON", '{"a": }', "DOCUMENT_SYNTAX"],
  ["a key given twice in JSON", '{"a": {"b": 1, "b": 2}}', "DOCUMENT_SYNTAX"],
  ["a key given twice in YAML", "a: 1\na: 2\n", "DOCUMENT_SYNTAX"],
  ["a key that JavaScript would swallow", '{"__proto__": {}}', "DOCUMENT_SYNTAX"],
  ["broken YAML", "a: [", "DOCUMENT_SYNTAX"],
  [
    "an alias bomb",
    `a: &a [x]\n${"bcdefgh"
      .split("")
      .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(",")}]`)
      .join("\n")}`,
    "DOCUMENT_SYNTAX",
  ],
  ["10,000 levels", "[".repeat(10_000), "DOCUMENT_DEPTH"],
  ["a NUL", '{"a": "\0"}', "DOCUMENT_UTF8"],
  ["invalid UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "DOCUMENT_UTF8"],
  ["5 MiB", Buffer.alloc(5 << 20, " "), "DOCUMENT_SIZE"],
] as const)
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parse(text),
      (error) => error instanceof InputError && error.code === code && error.faults[0]?.field === "file",
    );
  });
